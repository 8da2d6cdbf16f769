import { asciiBytes } from "../protocol/ascii.ts";
import type { MaybePromise, Opened } from "../protocol/envelope.ts";
import { CypherError } from "../protocol/errors.ts";
import { NulSplitter } from "../protocol/nul_splitter.ts";
import { requestIn } from "../protocol/payload.ts";
import type { Answers } from "./answers.ts";
import type { Connection } from "./connection.ts";
import type { Executor } from "./executor.ts";
import { UNREADABLE } from "./runner.ts";
import type { Generation, KeyRing } from "./key_ring.ts";
import type { Wire } from "./wires.ts";

/** A Fernet token, base64url of a version byte 0x80, starts with this. */
const TOKEN_START = 0x67;
/** The least that is read at once of a message that has begun. */
const SMALLEST_READ = 4_096;

/** How a {@linkcode ClassicWire} is made. */
export interface ClassicWireOptions {
  keys: KeyRing;
  executor: Executor;
  answers: Answers;
  /** The most that is read at once, in bytes. */
  recvBuffer: number;
  /** The largest message, in bytes on the wire. */
  messageBytes: number;
  /** How deep a message's JSON may nest. */
  depth: number;
}

type Read = Promise<Uint8Array | null>;

/** The classic wire: Fernet tokens ended by NUL, answered one by one. */
export class ClassicWire implements Wire {
  readonly name = "classic";
  #options: ClassicWireOptions;

  constructor(options: ClassicWireOptions) {
    this.#options = options;
  }

  startsWith(byte: number): boolean {
    return byte === TOKEN_START;
  }

  serve(connection: Connection, firstRead: Read): Promise<void> {
    return new ClassicSession(this.#options, connection, firstRead).run();
  }
}

/** What a token turned out to be: its content, or why it did not open. */
interface Token {
  readonly size: number;
  /** The keys that it was made with, if it opened. */
  readonly generation: Generation | undefined;
  readonly opened: MaybePromise<Opened | CypherError>;
}

/** One connection on the classic wire. */
class ClassicSession {
  #options: ClassicWireOptions;
  #connection: Connection;
  #splitter: NulSplitter;
  /** A read that is under way while a handler runs. */
  #ahead: Read | undefined;
  /** The number of the request that was answered last. */
  #previous: number | undefined;

  constructor(
    options: ClassicWireOptions,
    connection: Connection,
    firstRead: Read,
  ) {
    this.#options = options;
    this.#connection = connection;
    this.#splitter = new NulSplitter(options.messageBytes);
    this.#ahead = firstRead;
  }

  async run(): Promise<void> {
    const connection = this.#connection;
    connection.online("classic", undefined, false);
    for (;;) {
      const reading = this.#read();
      this.#ahead = undefined;
      const chunk = await reading;
      if (chunk === null || connection.ended) return;
      // Opened at once, as the next read overwrites the chunk.
      const tokens = this.#openAll(this.#splitter.push(chunk));
      connection.hold(this.#held, tokens.length > 0);
      for (const token of tokens) {
        await this.#answer(token);
        if (connection.ended) return;
      }
      if (!this.#splitter.overflowed) continue;
      const { messageBytes } = this.#options;
      const limit = `A message may have ${messageBytes} bytes`;
      connection.failure("TOO_LARGE", limit);
      connection.limit("messageBytes");
      return connection.end("too-large");
    }
  }

  #read(): Read {
    return this.#ahead ??= this.#splitter.pending === 0
      ? this.#connection.read()
      : this.#connection.read(this.#readSize);
  }

  /** How much of a message that has begun is read at once. */
  get #readSize(): number {
    const { pending } = this.#splitter;
    const most = this.#options.recvBuffer;
    return Math.min(most, Math.max(SMALLEST_READ, pending));
  }

  /** What a message that has begun takes: what is kept, and what it goes to. */
  get #held(): number {
    const { pending, held } = this.#splitter;
    return pending === 0 ? 0 : held + this.#readSize;
  }

  /**
   * Up to the first that does not open, which ends the connection: a read can
   * bring thousands that are empty, from somebody without any key.
   */
  #openAll(messages: readonly Uint8Array[]): Token[] {
    const tokens: Token[] = [];
    for (const message of messages) {
      const token = this.#open(message);
      tokens.push(token);
      if (!token.generation) break;
    }
    return tokens;
  }

  #open(token: Uint8Array): Token {
    const size = token.length + 1;
    let failed: CypherError | undefined;
    for (const generation of this.#options.keys.generations) {
      try {
        const opened = generation.envelope.open(token);
        return {
          size,
          generation,
          opened: opened instanceof Promise ? opened.catch(asError) : opened,
        };
      } catch (error) {
        failed ??= asError(error);
      }
    }
    return { size, generation: undefined, opened: failed! };
  }

  async #answer({ size, generation, opened }: Token): Promise<void> {
    const connection = this.#connection;
    if (opened instanceof Promise) opened = await opened;
    if (opened instanceof CypherError || !generation) {
      const { code, message } = opened as CypherError;
      connection.unopened(code, message);
      return connection.end("bad-token");
    }
    if (connection.ended) return;
    const { executor, answers, keys } = this.#options;
    // It was opened before the handlers of those that came with it ran.
    if (!keys.generations.includes(generation)) {
      connection.failure("BAD_TOKEN", "Its keys were withdrawn");
      return connection.end("withdrawn");
    }
    connection.generation = generation.number;
    connection.prove();
    // Whoever sends a new token has the answer to the one before.
    if (this.#previous !== undefined) answers.confirm(this.#previous);
    const request = requestIn(opened.plain, this.#options.depth);
    if (request instanceof CypherError) connection.limit(request.limit);
    const began = connection.requestBegins();
    while (executor.room) {
      connection.limit("requests");
      if (!await this.#unlessGone(executor.room)) {
        return connection.requestLeft();
      }
    }
    const executing = executor.execute(request, opened.identity, connection);
    const execution = executing instanceof Promise
      ? await this.#unlessGone(executing)
      : executing;
    if (execution === undefined) return connection.requestLeft();
    const { serial, repeated, answer } = execution;
    const sealing = generation.envelope.seal(asciiBytes(answer.text));
    const sealed = sealing instanceof Promise ? await sealing : sealing;
    // Written first, noted after: the peer is at work meanwhile.
    const writing = connection.write(sealed);
    const { path, operation } = request instanceof CypherError
      ? UNREADABLE
      : request;
    connection.requestEnds(began, {
      path,
      operation,
      status: answer.status,
      message: answer.message,
      repeated,
      bytesIn: size,
      bytesOut: sealed.length,
    });
    this.#previous = serial;
    await writing;
    if (connection.draining) connection.end("stopped");
  }

  /** What comes of something; undefined if the peer is gone before that. */
  async #unlessGone<T>(something: Promise<T>): Promise<T | undefined> {
    const connection = this.#connection;
    // One read stays under way: it is what sees the peer go. If it brings
    // more input instead, that waits its turn.
    const first = await Promise.race([something, this.#read()]);
    if (first === null || connection.ended) return undefined;
    if (!(first instanceof Uint8Array)) return first;
    // Nobody reads now, and the handler may never end.
    const result = await connection.unlessEnded(something);
    return connection.ended ? undefined : result;
  }
}

function asError(error: unknown): CypherError {
  if (error instanceof CypherError) return error;
  throw error;
}
