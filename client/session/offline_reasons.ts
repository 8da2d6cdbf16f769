import type { CypherError, CypherErrorCode } from "../../protocol/errors.ts";
import type { ClientOfflineReason } from "../signals.ts";

type Reasons = Partial<Record<CypherErrorCode, ClientOfflineReason>>;

const REFUSED: Reasons = {
  UNAUTHORIZED: "unauthorized",
  REFUSED: "refused",
};

const BROKEN: Reasons = {
  TOO_LARGE: "too-large",
  BAD_TOKEN: "bad-token",
  WIRE_MISMATCH: "wire-mismatch",
  CONNECT_FAILED: "refused",
};

/** Why a client is offline whose handshake the server refused so. */
export function refusedFor({ code }: CypherError): ClientOfflineReason {
  return REFUSED[code] ?? "wire-mismatch";
}

/** Why a client is offline that could not go on with what the server sent. */
export function brokenFor({ code }: CypherError): ClientOfflineReason {
  return BROKEN[code] ?? "protocol-error";
}
