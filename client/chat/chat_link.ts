import { type ChatCommand, writeCommand } from "../../protocol/chat/command.ts";
import { failureText } from "../../protocol/chat/failures.ts";
import type { OwnKeys } from "../../protocol/chat/key_pair.ts";
import { type Line, LineSplitter } from "../../protocol/chat/line_splitter.ts";
import { Outbox } from "../../protocol/chat/outbox.ts";
import {
  parseServerLine,
  type ServerLine,
} from "../../protocol/chat/server_line.ts";
import { lineBytes } from "../../protocol/chat/text.ts";
import { Deadline } from "../../protocol/deadline.ts";
import { CypherError, CypherStatus } from "../../protocol/errors.ts";
import { lossOf, type Transport } from "../../protocol/transport.ts";
import type { Link } from "../keeper.ts";
import type { ClientOfflineReason } from "../signals.ts";
import type { ChatClientSettings } from "./options.ts";
import { Unanswered } from "./unanswered.ts";

/** Most lines fit; longer ones take a few reads. */
const READ_BUFFER = 4_096;

/** What the server says of its own accord. */
export type Told = Exclude<ServerLine, { word: "OK" | "FAIL" | "PING" }>;

/** Whom a {@linkcode ChatLink} tells. */
export interface ChatLinkEvents {
  /**
   * The server says something that is no answer; the next line waits. Rejects
   * with a `CypherError` if that is more than we keep.
   */
  told(line: Told): Promise<void>;
}

/** How far a link has come. */
type Stage =
  | { readonly kind: "entering" }
  | { readonly kind: "entered" }
  | {
    readonly kind: "over";
    readonly reason: ClientOfflineReason;
    /** What the server said to our name, if that is how it ended. */
    readonly refusal?: CypherStatus;
  };

/** One connection: logs in, sends commands, tells what comes. */
export class ChatLink implements Link {
  #settings: ChatClientSettings;
  #transport: Transport;
  #keys: Promise<OwnKeys>;
  #events: ChatLinkEvents;
  #stage: Stage = { kind: "entering" };
  #unanswered: Unanswered;
  #silence: Deadline;
  #outbox: Outbox;
  #answered = false;

  constructor(
    settings: ChatClientSettings,
    transport: Transport,
    keys: Promise<OwnKeys>,
    events: ChatLinkEvents,
  ) {
    const { clock, timeout, limits } = this.#settings = settings;
    this.#transport = transport;
    this.#keys = keys;
    this.#events = events;
    this.#unanswered = new Unanswered(
      clock,
      timeout,
      () => this.close("timeout"),
    );
    this.#silence = new Deadline(clock, () => this.close("unresponsive"));
    this.#outbox = new Outbox({
      limit: limits.queueBytes,
      write: (bytes) =>
        transport.write(bytes).catch((error) => this.close(lossOf(error))),
    });
  }

  /** Whether the server has let us in. */
  get answered(): boolean {
    return this.#answered;
  }

  /** What the server said to our name, if it does not let us in. */
  get refusal(): CypherStatus | undefined {
    return this.#stage.kind === "over" ? this.#stage.refusal : undefined;
  }

  /**
   * Runs the connection until it is over; resolves to the reason. `ready` is
   * called once we are logged in and our public key is announced.
   */
  async run(ready: () => void): Promise<ClientOfflineReason> {
    const entering = this.#enter(ready);
    const splitter = new LineSplitter(this.#settings.limits.receivedBytes);
    const buffer = new Uint8Array(READ_BUFFER);
    while (this.#end === undefined) {
      this.#silence.set(this.#settings.silence);
      try {
        const count = await this.#transport.read(buffer);
        if (count === null) this.close("peer-closed");
        else await this.#receive(splitter.push(buffer.subarray(0, count)));
      } catch (error) {
        const full = error instanceof CypherError;
        this.close(full ? "too-large" : lossOf(error));
      }
    }
    await entering;
    return this.#end;
  }

  /**
   * Sends a command; resolves to what its answer says after `OK <command>`.
   *
   * @throws {CypherError} `TOO_LARGE`, `QUEUE_FULL`, `NO_ANSWER`.
   * @throws {CypherStatus} If the answer is a failure.
   */
  async ask(command: ChatCommand): Promise<string> {
    if (this.#stage.kind === "over") throw noAnswer(this.#stage.reason);
    const { lineBytes: limit, queued } = this.#settings.limits;
    const line = lineBytes(writeCommand(command));
    if (line.length - 1 > limit) throw tooLarge(limit, line.length - 1);
    if (this.#unanswered.size >= queued || !this.#outbox.push(line)) {
      throw queueFull();
    }
    return await this.#unanswered.add(
      command.word === "QUIT" ? "GOODBYE" : command.word,
    );
  }

  /** Closes the connection; the first reason counts. */
  close(reason: ClientOfflineReason): void {
    this.#close({ kind: "over", reason });
  }

  #close(over: Stage & { kind: "over" }): void {
    if (this.#stage.kind === "over") return;
    this.#stage = over;
    this.#silence.stop();
    this.#transport.close();
    this.#unanswered.failAll(noAnswer(over.reason));
  }

  /** Why it is over; undefined while it is not. */
  get #end(): ClientOfflineReason | undefined {
    return this.#stage.kind === "over" ? this.#stage.reason : undefined;
  }

  async #enter(ready: () => void): Promise<void> {
    try {
      await this.ask({ word: "IDENT", name: this.#settings.name });
      this.#answered = true;
      const { announced } = await this.#keys;
      await this.ask({ word: "PM_PUBKEY", key: announced });
    } catch (error) {
      // Whatever else went wrong has closed the link already.
      const reason = "refused";
      this.#close(
        error instanceof CypherStatus
          ? { kind: "over", reason, refusal: error }
          : { kind: "over", reason },
      );
      return;
    }
    if (this.#stage.kind === "over") return;
    this.#stage = { kind: "entered" };
    ready();
  }

  async #receive(lines: readonly Line[]): Promise<void> {
    for (const line of lines) {
      if (this.#stage.kind === "over") return;
      if (line.kind === "too-long") return this.close("too-large");
      const said = line.kind === "text"
        ? parseServerLine(line.text)
        : undefined;
      if (!said) return this.close("protocol-error");
      await this.#take(said);
    }
  }

  async #take(said: ServerLine): Promise<void> {
    switch (said.word) {
      case "PING":
        // If so much waits already, the server will not miss it in time.
        this.#outbox.push(lineBytes(writeCommand({ word: "PONG" })));
        return;
      case "OK":
        if (!this.#unanswered.settle(said.of, said.text)) {
          this.close("protocol-error");
        }
        return;
      case "FAIL": {
        // No command of ours is answered with it: it comes before a goodbye.
        if (said.code === "FAIL05") return;
        const error = new CypherStatus(said.code, failureText(said.code));
        if (!this.#unanswered.fail(error)) this.close("protocol-error");
        return;
      }
      default:
        await this.#events.told(said);
    }
  }
}

function noAnswer(reason: ClientOfflineReason): CypherError {
  return reason === "closed"
    ? new CypherError("CLOSED", "The client is closed")
    : new CypherError(
      "NO_ANSWER",
      `The connection was lost before the answer (${reason}): the command ` +
        `may have been carried out, or not`,
    );
}

function tooLarge(limit: number, size: number): CypherError {
  return new CypherError(
    "TOO_LARGE",
    `Cannot send the line: it may have ${limit} bytes, it would have ${size}`,
  );
}

function queueFull(): CypherError {
  return new CypherError(
    "QUEUE_FULL",
    "Cannot send the command: too many are waiting already",
  );
}
