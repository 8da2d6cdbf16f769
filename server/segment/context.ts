import type { Agreement } from "../../protocol/segment/data.ts";
import type { Connection } from "../connection.ts";
import type { OfflineReason } from "../signals.ts";
import type { Inlet } from "./inlet.ts";
import type { SegmentServerSettings } from "./options.ts";
import type { TellStep } from "./steps.ts";

/** What an exchange needs of its session. */
export interface ExchangeContext {
  readonly connection: Connection;
  readonly inlet: Inlet;
  readonly agreed: Agreement;
  readonly settings: SegmentServerSettings;
  readonly tell: TellStep;
  /** Aborts when the grace of a stop is over. */
  readonly stopped: AbortSignal;
}

/** It went wrong, and the connection with it. */
export interface Failed {
  readonly kind: "failed";
  /** What the monitor shows: a code and a sentence. */
  readonly status: string;
  readonly message: string;
  /** What the connection ends in. */
  readonly reason: OfflineReason;
}

/** How an exchange ends. */
export type ExchangeEnd =
  /** The client has its answer, intact. */
  | { readonly kind: "settled" }
  /** The client is gone. */
  | { readonly kind: "left" }
  | Failed;

/** Bytes came where nothing, or a status, was due. */
export const GARBLED: Failed = {
  kind: "failed",
  status: "BAD_STATUS",
  message: "DATA: bytes came that are no status of the answer",
  reason: "protocol-error",
};
