import { headerBlock, joinBlocks, readStatus, statusBlock } from "./block.ts";
import {
  type HandshakeEnd,
  NO_STATUS,
  type Peer,
  Progress,
  type Reaction,
  type Step,
} from "./handshake.ts";
import { type Header, HEADER_SIZE, readHeader, successor } from "./header.ts";

/** How a {@linkcode ServerHandshake} is made. Sizes in bytes. */
export interface ServerHandshakeOptions {
  /** The server's initial sequence number. */
  readonly isn: number;
  /** The server's own buffer size: what is agreed on is never larger. */
  readonly bufferSize: number;
  /** The largest buffer size that a client may ask for. */
  readonly bufferLimit: number;
  /** How often a message may be sent again, by either side. */
  readonly resends: number;
}

/**
 * The server's side of a handshake: fed the blocks that arrive, it says what to
 * write. It holds no socket and no clock.
 */
export class ServerHandshake {
  #options: ServerHandshakeOptions;
  #progress: Progress;

  constructor(options: ServerHandshakeOptions) {
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

  /** Takes the next block that has arrived, whole. */
  receive(block: Uint8Array): Reaction {
    const { state } = this.#progress;
    switch (state.kind) {
      case "SYN":
        return this.#syn(readHeader(block));
      case "SYN-ACK":
        return this.#synAckStatus(state.peer!, readStatus(block));
      case "ACK":
        return this.#ack(state.peer, readHeader(block));
      case "open":
      case "failed":
        throw new Error("The handshake is over");
    }
  }

  #syn(header: Header | undefined): Reaction {
    if (!header) {
      return this.#progress.askAgain("it has no header of version 1 or 2");
    }
    const problem = this.#problemOfSyn(header);
    if (problem !== undefined) return this.#progress.askAgain(problem);
    const bufferSize = Math.min(header.bufferSize, this.#options.bufferSize);
    const agreed = { version: header.version, bufferSize };
    const peer = { isn: header.seq, agreed };
    this.#progress.advance({ kind: "SYN-ACK", peer });
    const reply = joinBlocks(statusBlock(true), this.#synAckBlock(peer));
    return { reply, done: "SYN" };
  }

  #problemOfSyn(
    { version, syn, ack, bufferSize }: Header,
  ): string | undefined {
    if (syn !== 1) return "its syn is not 1";
    if (ack !== 0) return "its ack is not 0";
    const least = HEADER_SIZE[version] + 1;
    const most = this.#options.bufferLimit;
    return bufferSize >= least && bufferSize <= most
      ? undefined
      : `its buffer size is ${bufferSize} bytes, it must be ${least} to ${most}`;
  }

  #synAckStatus(peer: Peer, right: boolean | undefined): Reaction {
    if (right === undefined) return this.#progress.fail(NO_STATUS);
    if (!right) return this.#progress.sendAgain(this.#synAckBlock(peer));
    this.#progress.advance({ kind: "ACK", peer });
    return { done: "SYN-ACK" };
  }

  #ack(peer: Peer, header: Header | undefined): Reaction {
    const problem = this.#problemOfAck(peer, header);
    if (problem !== undefined) return this.#progress.askAgain(problem);
    this.#progress.advance({ kind: "open", agreed: peer.agreed });
    return { reply: statusBlock(true), done: "ACK" };
  }

  #problemOfAck(
    { isn, agreed }: Peer,
    header: Header | undefined,
  ): string | undefined {
    if (header?.version !== agreed.version) {
      return `it has no header of version ${agreed.version}`;
    }
    if (header.syn !== 0) return "its syn is not 0";
    if (header.ack !== successor(this.#options.isn)) {
      return "its ack is not the server's ISN + 1";
    }
    return header.seq === successor(isn)
      ? undefined
      : "its seq is not the client's ISN + 1";
  }

  #synAckBlock({ isn, agreed }: Peer): Uint8Array {
    return headerBlock({
      ...agreed,
      ack: successor(isn),
      syn: 1,
      seq: this.#options.isn,
      checksum: 0,
      length: 0,
    });
  }
}
