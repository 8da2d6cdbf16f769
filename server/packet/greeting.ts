import { PacketError } from "../../protocol/packet/errors.ts";
import {
  agree,
  type Agreement,
  readAck,
  readSyn,
  type Terms,
  writeRefusal,
  writeSynAck,
} from "../../protocol/packet/handshake.ts";
import {
  HANDSHAKE,
  type Packet,
  writeError,
} from "../../protocol/packet/packet.ts";

/** What a handshake has come to. */
export interface Greeted {
  readonly agreement: Agreement;
  /** Who the peer says it is. */
  readonly clientId: string | undefined;
}

/** The server's part of one handshake (spec: Phases). */
export class Greeting {
  #terms: Terms;
  #newSession: () => string;
  #answered: Greeted | undefined;

  /** `newSession` names the session. */
  constructor(terms: Terms, newSession: () => string) {
    this.#terms = terms;
    this.#newSession = newSession;
  }

  /**
   * Takes the peer's next packet; gives what is to be answered to a SYN, and
   * what was agreed on at the ACK.
   *
   * @throws {PacketError} `BAD_HANDSHAKE` or `UNKNOWN_SESSION`; the peer is to
   * be told with {@linkcode Greeting.refusal}.
   */
  take(packet: Packet): Uint8Array | Greeted {
    return this.#answered
      ? this.#confirm(packet, this.#answered)
      : this.#answer(packet);
  }

  /**
   * Tells the peer why this is over: in a SYN-ACK, or, once the peer has its
   * SYN-ACK and takes the connection for established, in an error packet.
   */
  refusal(error: PacketError): Uint8Array {
    return this.#answered ? writeError(error.reason) : writeRefusal(error);
  }

  #answer(packet: Packet): Uint8Array {
    requireIntact(packet, HANDSHAKE.syn, "SYN");
    const offer = readSyn(packet.payload);
    const agreement = agree(offer, this.#terms, this.#newSession());
    this.#answered = { agreement, clientId: offer.clientId };
    return writeSynAck(agreement);
  }

  #confirm(packet: Packet, answered: Greeted): Greeted {
    requireIntact(packet, HANDSHAKE.ack, "ACK");
    const session = readAck(packet.payload);
    if (session === answered.agreement.session) return answered;
    throw new PacketError(
      "UNKNOWN_SESSION",
      "Cannot accept the ACK: its session is not this connection's",
    );
  }
}

function requireIntact(packet: Packet, type: number, name: string): void {
  if (packet.type !== type) {
    throw new PacketError(
      "BAD_HANDSHAKE",
      `Expected the ${name}, got a packet of type ${packet.type}`,
    );
  }
  if (!packet.intact) {
    throw new PacketError(
      "BAD_HANDSHAKE",
      `Cannot accept the ${name}: its checksum is wrong`,
    );
  }
}
