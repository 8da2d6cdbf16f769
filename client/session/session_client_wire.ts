import { CypherError } from "../../protocol/errors.ts";
import { pskOf } from "../../protocol/session_keys.ts";
import type { Transport } from "../../protocol/transport.ts";
import type { ClientWire } from "../client_wire.ts";
import type { ClientSettings } from "../options.ts";
import type { Pending, PendingRequest } from "../pending.ts";
import { SessionLink } from "./session_link.ts";
import { SessionState } from "./session_state.ts";

/** The session wire, whatever the connection. */
export class SessionClientWire implements ClientWire {
  #settings: ClientSettings;
  #pending: Pending;
  #psk: Uint8Array;
  #state: SessionState;
  #link: SessionLink | undefined;

  constructor(settings: ClientSettings, pending: Pending) {
    this.#settings = settings;
    this.#pending = pending;
    this.#psk = pskOf("client", settings);
    this.#state = new SessionState(pending, settings.onRestart === "resend");
  }

  checkSize(plain: string): void {
    const { messageBytes } = this.#settings.limits;
    if (plain.length <= messageBytes) return;
    throw new CypherError(
      "TOO_LARGE",
      `Cannot send the request: it may have ${messageBytes} bytes, it would ` +
        `have ${plain.length}`,
    );
  }

  link(transport: Transport): SessionLink {
    return this.#link = new SessionLink({
      ...this.#settings,
      ...this.#settings.limits,
      handshakeTimeout: this.#settings.connectTimeout,
      software: "cypher",
      transport,
      pending: this.#pending,
      state: this.#state,
      psk: this.#psk,
    });
  }

  added(request: PendingRequest): void {
    this.#state.add(request);
  }

  ended(request: PendingRequest): void {
    const id = this.#state.abandon(request);
    if (id !== undefined) this.#link?.cancel(id);
  }

  [Symbol.dispose](): void {}
}
