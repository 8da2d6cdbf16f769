import { ClassicEnvelope } from "../protocol/classic.ts";
import { CypherError } from "../protocol/errors.ts";
import { tokenSize } from "../protocol/fernet.ts";
import { IdentityRing } from "../protocol/identity_ring.ts";
import type { Transport } from "../protocol/transport.ts";
import { ClassicLink } from "./classic_link.ts";
import type { ClientWire } from "./client_wire.ts";
import type { ClientSettings } from "./options.ts";
import type { Pending, PendingRequest } from "./pending.ts";

/** How many accepted answers are remembered, to refuse them a second time. */
const ACCEPTED_ANSWERS = 4_096;

/** The classic wire, whatever the connection. */
export class ClassicClientWire implements ClientWire {
  #settings: ClientSettings;
  #pending: Pending;
  #envelope: ClassicEnvelope;
  #accepted = new IdentityRing(ACCEPTED_ANSWERS);
  #link: ClassicLink | undefined;

  constructor(settings: ClientSettings, pending: Pending) {
    this.#settings = settings;
    this.#pending = pending;
    this.#envelope = new ClassicEnvelope({ role: "client", ...settings });
  }

  checkSize(plain: string): void {
    const { messageBytes } = this.#settings.limits;
    const size = tokenSize(plain.length);
    if (size <= messageBytes) return;
    throw new CypherError(
      "TOO_LARGE",
      `Cannot send the request: it may have ${messageBytes} bytes on the ` +
        `wire, it would have ${size}`,
    );
  }

  link(transport: Transport): ClassicLink {
    return this.#link = new ClassicLink({
      ...this.#settings,
      ...this.#settings.limits,
      transport,
      envelope: this.#envelope,
      pending: this.#pending,
      accepted: this.#accepted,
    });
  }

  added(): void {}

  ended(request: PendingRequest): void {
    this.#link?.abandon(request);
  }

  [Symbol.dispose](): void {
    this.#envelope[Symbol.dispose]();
  }
}
