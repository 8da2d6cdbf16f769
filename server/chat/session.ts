import { parseCommand } from "../../protocol/chat/command.ts";
import { failure } from "../../protocol/chat/failures.ts";
import { type Line, LineSplitter } from "../../protocol/chat/line_splitter.ts";
import { Outbox } from "../../protocol/chat/outbox.ts";
import {
  type ServerLine,
  writeServerLine,
} from "../../protocol/chat/server_line.ts";
import { lineBytes } from "../../protocol/chat/text.ts";
import { sleep } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";
import type { Connection } from "../connection.ts";
import type { OfflineReason } from "../signals.ts";
import { Caller, type Question } from "./caller.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { ChatServerSettings } from "./options.ts";
import { Pace } from "./pace.ts";
import type { Room } from "./room.ts";

/** The wire's name, as the monitor shows it. */
export const WIRE = "chat";
/** How long the last lines may take to get out, in ms. */
export const FAREWELL = 1_000;

/** One connection: its lines in, one at a time, and its lines out. */
export class ChatSession {
  #settings: ChatServerSettings;
  #room: Room;
  #connection: Connection;
  #caller: Caller;
  #outbox: Outbox;
  #heartbeat: Heartbeat;
  #login: Deadline;
  /** Whether lines wait because they came too fast. */
  #slowed = false;
  /** Aborts once nobody is to be made to wait any more. */
  #over = new AbortController();

  constructor(
    settings: ChatServerSettings,
    room: Room,
    connection: Connection,
  ) {
    const { clock, limits, loginTimeout } = this.#settings = settings;
    this.#room = room;
    this.#connection = connection;
    this.#caller = new Caller(room, (line) => this.#send(line));
    this.#outbox = new Outbox({
      limit: limits.queueBytes,
      write: (bytes) => connection.write(bytes),
    });
    connection.onDrain = () => this.#stop();
    this.#heartbeat = new Heartbeat({
      ...settings,
      ping: () => this.#say({ word: "PING" }),
      // Its PONG may be among the lines that we let wait.
      excused: () => this.#slowed,
      overdue: () => this.#pongMissing(),
    });
    this.#login = new Deadline(clock, () => this.#loginMissing());
    this.#login.set(loginTimeout);
  }

  /** Serves the connection until it is over. */
  async run(): Promise<void> {
    try {
      await this.#receive();
    } finally {
      this.#leave();
    }
    await this.#flush("slow-reader");
  }

  async #receive(): Promise<void> {
    const { limits, clock } = this.#settings;
    const splitter = new LineSplitter(limits.lineBytes);
    const pace = new Pace(clock, limits.linesPerSecond, limits.burst);
    this.#say({ word: "INIT", text: this.#settings.greeting });
    let chunk = await this.#read();
    while (chunk !== null && !this.#caller.gone) {
      const lines = splitter.push(chunk);
      // Read ahead: that is what sees the peer go while lines wait.
      const ahead = this.#read();
      for (const line of lines) {
        await this.#slow(pace.take());
        if (this.#caller.gone || this.#cut) return;
        await this.#take(line);
      }
      chunk = await ahead;
    }
  }

  /** Whether it was cut off. Who merely says no more is still answered. */
  get #cut(): boolean {
    const { state } = this.#connection.info();
    return state.kind === "closed" && state.reason !== "peer-closed";
  }

  async #read(): Promise<Uint8Array | null> {
    const chunk = await this.#connection.read();
    if (chunk === null) this.#over.abort();
    return chunk;
  }

  async #slow(delay: number): Promise<void> {
    if (delay === 0) return;
    this.#slowed = true;
    await sleep(this.#settings.clock, delay, this.#over.signal)
      .catch(() => {});
    this.#slowed = false;
  }

  async #take(line: Line): Promise<void> {
    if (line.kind !== "text") {
      this.#answer(undefined, line, UNREADABLE[line.kind]);
      return;
    }
    const command = parseCommand(line.text);
    if (command?.word === "PONG") return this.#pong();
    const answer = this.#answer(command, line);
    if (answer.word !== "OK") return;
    if (command?.word === "QUIT") await this.#end("peer-closed");
    if (command?.word === "IDENT") await this.#sendKeys();
  }

  /** Answers a line, and counts it as a request. */
  #answer(
    command: Question | undefined,
    line: Line,
    unknown: ServerLine = failure("FAIL00"),
  ): ServerLine {
    const began = this.#connection.requestBegins();
    const answer = command ? this.#caller.answer(command) : unknown;
    const bytes = lineBytes(writeServerLine(answer));
    const failed = answer.word === "FAIL";
    if (command?.word === "IDENT" && !failed) this.#admit(command.name);
    this.#send(bytes);
    this.#connection.requestEnds(began, {
      path: "",
      operation: command?.word ?? "UNKNOWN",
      status: failed ? answer.code : "OK",
      message: failed ? answer.text : "",
      repeated: false,
      bytesIn: line.bytes + 1,
      bytesOut: bytes.length,
    });
    return answer;
  }

  #admit(username: string): void {
    this.#login.stop();
    if (this.#connection.ended) return;
    this.#connection.online(WIRE, username);
  }

  /** Whoever has just logged in gets the others' keys. */
  async #sendKeys(): Promise<void> {
    for (const { name, key } of this.#room.keyHolders) {
      // They may be more than may wait: no newcomer is dropped for that.
      if (this.#outbox.pending > this.#settings.limits.queueBytes / 2) {
        await this.#outbox.flushed;
      }
      // Somebody may have left, or come back with another key, meanwhile.
      if (this.#room.find(name)?.key !== key) continue;
      this.#say({ word: "PM_PUBKEY", from: name, text: key! });
    }
  }

  #pong(): void {
    const roundTrip = this.#heartbeat.pong();
    if (roundTrip !== undefined) {
      this.#connection.roundTrip = roundTrip;
      return this.#connection.active();
    }
    const refusal = failure("FAIL05");
    this.#connection.failure(refusal.code, refusal.text, {
      path: "",
      operation: "PONG",
    });
    this.#say(refusal);
  }

  #pongMissing(): void {
    const { pongTimeout } = this.#settings;
    this.#tellTimeout(pongTimeout);
    this.#say({ word: "DSCN", text: "Pong timeout" });
    this.#say(failure("FAIL05", "Ping without pong"));
    this.#end("unresponsive");
  }

  #loginMissing(): void {
    this.#tellTimeout(this.#settings.loginTimeout);
    this.#say({ word: "DSCN", text: "Login timeout" });
    this.#say(failure("FAIL03"));
    this.#end("handshake-timeout");
  }

  /** The server stops: its grace, not ours, bounds the goodbye. */
  async #stop(): Promise<void> {
    this.#say({ word: "DSCN", text: "Server stopped" });
    this.#leave();
    await this.#outbox.flushed;
    this.#connection.end("stopped");
  }

  #tellTimeout(after: number): void {
    const { id: connection, address, name } = this.#connection.info();
    this.#settings.monitor.publish(
      { kind: "timeout", connection, address, name, wire: WIRE, after },
    );
  }

  #say(line: ServerLine): void {
    this.#send(lineBytes(writeServerLine(line)));
  }

  #send(line: Uint8Array): void {
    if (!this.#outbox.push(line)) this.#connection.close("slow-reader");
  }

  /** Ends the connection from this side, after what was said last. */
  async #end(reason: OfflineReason): Promise<void> {
    this.#leave();
    await this.#flush(reason);
    this.#connection.end(reason);
  }

  #leave(): void {
    this.#over.abort();
    this.#heartbeat.stop();
    this.#login.stop();
    this.#caller.leave();
  }

  /** Waits until all is written; a peer that does not read is cut off. */
  async #flush(reason: OfflineReason): Promise<void> {
    const { clock } = this.#settings;
    const cut = () => this.#connection.close(reason);
    const timer = clock.setTimeout(cut, FAREWELL);
    await this.#outbox.flushed;
    clock.clearTimeout(timer);
  }
}

const UNREADABLE = {
  "too-long": failure("FAIL00", "LINE TOO LONG"),
  "not-utf8": failure("FAIL00", "LINE IS NOT UTF-8"),
};
