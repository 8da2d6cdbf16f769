import { headerBlock, joinBlocks, readStatus, statusBlock } from "./block.ts";
import {
  type HandshakeEnd,
  NO_STATUS,
  type Peer,
  Progress,
  type Reaction,
  type Step,
} from "./handshake.ts";
import {
  type Header,
  HEADER_SIZE,
  readHeader,
  successor,
  type Version,
} from "./header.ts";

/** How a {@linkcode ClientHandshake} is made. */
export interface ClientHandshakeOptions {
  /** The version to speak. */
  readonly version: Version;
  /** The client's initial sequence number. */
  readonly isn: number;
  /** The client's buffer size in bytes: what is agreed on is never larger. */
  readonly bufferSize: number;
  /** How often a message may be sent again, by either side. */
  readonly resends: number;
}

/**
 * The client's side of a handshake: fed the blocks that arrive, it says what to
 * write. It holds no socket and no clock.
 */
export class ClientHandshake {
  #options: ClientHandshakeOptions;
  #progress: Progress;

  constructor(options: ClientHandshakeOptions) {
    this.#options = options;
    this.#progress = new Progress(options.resends);
  }

  /** How it ended; undefined while it goes on. */
  get end(): HandshakeEnd | undefined {
    return this.#progress.end;
  }

  /** The step that is under way, or at which it ended. */
  get step(): Step {
    return this.#progress.step;
  }

  /** The SYN: what to write first. */
  start(): Uint8Array {
    const { version, isn, bufferSize } = this.#options;
    return headerBlock({
      version,
      ack: 0,
      syn: 1,
      seq: isn,
      bufferSize,
      checksum: 0,
      length: 0,
    });
  }

  /** Takes the next block that has arrived, whole. */
  receive(block: Uint8Array): Reaction {
    const { state } = this.#progress;
    switch (state.kind) {
      case "SYN":
        return this.#synStatus(readStatus(block));
      case "SYN-ACK":
        return this.#synAck(readHeader(block));
      case "ACK":
        return this.#ackStatus(state.peer, readStatus(block));
      case "open":
      case "failed":
        throw new Error("The handshake is over");
    }
  }

  #synStatus(right: boolean | undefined): Reaction {
    if (right === undefined) return this.#progress.fail(NO_STATUS);
    if (!right) return this.#progress.sendAgain(this.start());
    this.#progress.advance({ kind: "SYN-ACK" });
    return { done: "SYN" };
  }

  #synAck(header: Header | undefined): Reaction {
    const { version } = this.#options;
    if (header?.version !== version) {
      return this.#progress.askAgain(`it has no header of version ${version}`);
    }
    const problem = this.#problemOfSynAck(header);
    if (problem !== undefined) return this.#progress.askAgain(problem);
    const agreed = { version, bufferSize: header.bufferSize };
    const peer = { isn: header.seq, agreed };
    this.#progress.advance({ kind: "ACK", peer });
    const reply = joinBlocks(statusBlock(true), this.#ackBlock(peer));
    return { reply, done: "SYN-ACK" };
  }

  #problemOfSynAck(
    { version, syn, ack, bufferSize }: Header,
  ): string | undefined {
    if (syn !== 1) return "its syn is not 1";
    if (ack !== successor(this.#options.isn)) {
      return "its ack is not the client's ISN + 1";
    }
    const least = HEADER_SIZE[version] + 1;
    const most = this.#options.bufferSize;
    return bufferSize >= least && bufferSize <= most
      ? undefined
      : `its buffer size is ${bufferSize} bytes, it must be ${least} to ${most}`;
  }

  #ackStatus(peer: Peer, right: boolean | undefined): Reaction {
    if (right === undefined) return this.#progress.fail(NO_STATUS);
    // The C program asks for a right ACK once more, and then accepts it.
    if (!right) return this.#progress.sendAgain(this.#ackBlock(peer));
    this.#progress.advance({ kind: "open", agreed: peer.agreed });
    return { done: "ACK" };
  }

  #ackBlock({ isn, agreed }: Peer): Uint8Array {
    return headerBlock({
      // The C server takes the buffer size from here, not from the SYN.
      ...agreed,
      ack: successor(isn),
      syn: 0,
      seq: successor(this.#options.isn),
      checksum: 0,
      length: 0,
    });
  }
}
