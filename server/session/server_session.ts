import type { AnsweredSet } from "../../protocol/answered.ts";
import { readAnswered } from "../../protocol/answered_frame.ts";
import type { MaybePromise } from "../../protocol/envelope.ts";
import { CypherError } from "../../protocol/errors.ts";
import { FrameWriter } from "../../protocol/frame_writer.ts";
import { FRAME, type Frame, FrameParser } from "../../protocol/frames.ts";
import {
  clientIdOf,
  readClientHello,
  writeServerHello,
} from "../../protocol/hello.ts";
import { writeClose } from "../../protocol/notices.ts";
import {
  type ClientOffer,
  LARGEST_WINDOW,
  type Refusal,
  writeRefusal,
} from "../../protocol/offers.ts";
import { RecordChannel } from "../../protocol/records.ts";
import type { Connection } from "../connection.ts";
import type { ClientRecord, Ending, Owner } from "./client_record.ts";
import { Flow } from "./flow.ts";
import { type HandshakeStep, ServerHandshake } from "./handshake.ts";
import { ReadSize } from "./read_size.ts";
import { Requests } from "./requests.ts";
import type { SessionWireOptions } from "./session_options.ts";
import { WaitingRequests } from "./waiting_requests.ts";

/** How long the clients of a draining server are asked to stay away, in ms. */
const STAY_AWAY = 1_000;

/** What a session has come to. */
type SessionState =
  | { readonly kind: "handshake"; readonly handshake: ServerHandshake }
  | {
    readonly kind: "unproven";
    readonly offer: ClientOffer;
    /** Orders it among the connections of its client. */
    readonly ticket: number;
    /** Whether it was told that it was forgotten. */
    readonly told: boolean;
  }
  | {
    readonly kind: "proven";
    readonly record: ClientRecord;
    readonly requests: WaitingRequests;
  }
  /** It was said goodbye to: what still comes is dropped. */
  | { readonly kind: "over" };

type Unproven = SessionState & { kind: "unproven" };

/** One connection on the session wire. */
export class ServerSession implements Owner {
  #options: SessionWireOptions;
  #connection: Connection;
  #state: SessionState;
  #records: RecordChannel | undefined;
  #parser: FrameParser;
  #writer: FrameWriter | undefined;
  #flow: Flow;
  #draining = false;

  constructor(options: SessionWireOptions, connection: Connection) {
    this.#options = options;
    this.#connection = connection;
    this.#state = {
      kind: "handshake",
      handshake: new ServerHandshake(options.keys),
    };
    this.#parser = new FrameParser(options.messageBytes);
    this.#flow = new Flow({
      wire: options,
      connection,
      writer: () => this.#writer,
      silent: () => this.#records?.rest(),
      over: () => this.#over,
    });
  }

  /** Runs it until it is over; `settled` is called once it is proven, or not. */
  async run(
    firstRead: Promise<Uint8Array | null>,
    settled: () => void,
  ): Promise<void> {
    const connection = this.#connection;
    const { recvBuffer, handshakeTimeout } = this.#options;
    connection.onDrain = () => this.#drain();
    connection.onCrowdOut = () => {
      // Without a word it would take us for a server of another wire.
      if (this.#state.kind !== "handshake") return;
      connection.write(writeRefusal("busy"));
    };
    connection.allow(
      handshakeTimeout,
      "handshake-timeout",
      "handshakeTimeout",
    );
    let handshaking = true;
    const handshakeEnds = () => {
      if (handshaking) settled();
      handshaking = false;
    };
    try {
      let reading = firstRead;
      const size = new ReadSize(recvBuffer);
      while (!connection.ended) {
        const chunk = await reading;
        if (chunk === null || connection.ended) break;
        await this.#receive(chunk);
        this.#flow.alive();
        if (this.#state.kind !== "handshake") handshakeEnds();
        if (connection.ended) break;
        size.took(chunk.length);
        reading = connection.read(size.bytes);
      }
    } finally {
      handshakeEnds();
      this.#flow.stop();
      this.#records?.rest();
      if (this.#state.kind === "proven") {
        this.#options.clients.release(this.#state.record, this);
      }
    }
  }

  /** Sends a request's ending. */
  deliver(id: number, ending: Ending): void {
    this.#writer!.send(ending.type, id, ending.payload);
    this.#flow.press();
    if (this.#draining) this.#endIfDone();
  }

  /** Ends, as the same client has come back on another connection. */
  replaced(): void {
    this.#sendClose("replaced", 0);
    this.#state = { kind: "over" };
    this.#writer!.flushed().then(() => this.#connection.end("replaced"));
  }

  /** Ends without a goodbye: after that a client sends again. */
  interrupted(): void {
    // Once, however many requests were cut off: to end what has ended is rude.
    if (!this.#over) this.#connection.end("internal");
  }

  async #receive(chunk: Uint8Array): Promise<void> {
    try {
      if (this.#over) return;
      if (this.#state.kind === "handshake") {
        const step = this.#state.handshake.push(chunk);
        const { held } = this.#state.handshake;
        this.#connection.hold(step.kind === "more" ? held : 0);
        return await this.#step(step);
      }
      const { opener } = this.#records!;
      let finished = false;
      for (const plain of opener.push(chunk)) {
        for (const frame of this.#parser.push(plain)) {
          finished = true;
          const taking = this.#take(frame);
          if (taking) await taking;
          // One read can bring a thousand requests: none is taken on while too
          // much waits for the peer.
          if (this.#flow.room) await this.#flow.room;
          if (this.#over) return;
        }
      }
      const held = opener.held + this.#parser.held;
      this.#connection.hold(held, finished);
      if (held > 0) this.#flow.arriving();
    } catch (error) {
      if (!(error instanceof CypherError)) throw error;
      this.#broken(error);
    }
  }

  /** A request that waited could not be taken; no read is there to fail. */
  #failed(error: unknown): void {
    if (error instanceof CypherError) this.#broken(error);
    else this.#connection.fault(error);
  }

  get #over(): boolean {
    return this.#state.kind === "over" || this.#connection.ended;
  }

  async #step(step: HandshakeStep): Promise<void> {
    const { clients, serverId, window, messageBytes, heartbeat } =
      this.#options;
    switch (step.kind) {
      case "more":
        return;
      case "refused":
        return this.#refuse(step.refusal, step.message);
      case "offered": {
        if (this.#connection.draining) return this.#refuseStopping();
        const { answer, channel } = step.accept({
          server: serverId,
          connection: this.#connection.id,
          known: clients.knows(step.offer.client),
          window,
          messageBytes,
          heartbeat,
        });
        this.#connection.generation = step.generation;
        const records = this.#records = new RecordChannel(channel);
        this.#writer = new FrameWriter(
          records.sealer,
          (bytes, progress) => this.#connection.write(bytes, progress),
          () => this.#flow.progress(),
          () => records.prepare(),
        );
        this.#state = {
          kind: "unproven",
          offer: step.offer,
          ticket: clients.ticket(),
          told: false,
        };
        this.#connection.write(answer);
        if (step.rest.length > 0) await this.#receive(step.rest);
      }
    }
  }

  #take(frame: Frame): MaybePromise<void> {
    if (this.#state.kind !== "proven") return this.#prove(frame);
    const { record, requests } = this.#state;
    switch (frame.type) {
      case FRAME.request:
        this.#records!.wake();
        return requests.request(frame);
      case FRAME.cancel:
        return requests.cancel(frame.id);
      case FRAME.answered:
        return this.#options.clients.confirm(
          record,
          readAnswered(frame.payload, LARGEST_WINDOW),
        );
      case FRAME.ping:
        this.#records!.rest();
        this.#writer!.send(FRAME.pong, 0, frame.payload);
        // Who reads none of them could make us hold any number.
        return this.#flow.press();
      case FRAME.pong: {
        const time = this.#flow.pong(frame.payload);
        if (time !== undefined) this.#connection.roundTrip = time;
        return;
      }
      case FRAME.close:
        return this.#connection.end("peer-closed");
      default:
        throw new CypherError(
          "BAD_MESSAGE",
          "Cannot take the frame: it is not for a client to send",
        );
    }
  }

  #prove(frame: Frame): MaybePromise<void> {
    const { offer, ticket, told } = this.#state as Unproven;
    const { clients } = this.#options;
    if (frame.type !== FRAME.hello) {
      throw new CypherError("BAD_MESSAGE", "Cannot go on: hello comes first");
    }
    const { secret, answered, met } = readClientHello(
      frame.payload,
      LARGEST_WINDOW,
    );
    if (clientIdOf(secret) !== offer.client) {
      this.#connection.unopened(
        "UNAUTHORIZED",
        "The secret is not that of the client id",
      );
      return this.#connection.end("unauthorized");
    }
    // Known from here on, it would be taken to remember what it does not,
    // should the words that it does not be lost and the client come back.
    const unlessNew = met === true && !told;
    const known = clients.fetch(offer.client, ticket, unlessNew);
    const go = (known: boolean | undefined) => {
      if (this.#over) return;
      if (known === undefined) return this.#connection.end("replaced");
      if (known || !unlessNew) return this.#proven(answered, known);
      this.#state = { kind: "unproven", offer, ticket, told: true };
      this.#writer!.send(FRAME.hello, 0, writeServerHello({ known }));
    };
    return known instanceof Promise ? known.then(go) : go(known);
  }

  /** `known`: whether the client is remembered. */
  #proven(answered: AnsweredSet, known: boolean): void {
    const { offer, ticket } = this.#state as Unproven;
    const { clients } = this.#options;
    const record = clients.claim(offer.client, this, ticket);
    const requests = new Requests({
      wire: this.#options,
      connection: this.#connection,
      record,
      peerBytes: offer.messageBytes,
      deliver: (id, ending) => this.deliver(id, ending),
    });
    const waiting = new WaitingRequests({
      wire: this.#options,
      connection: this.#connection,
      flow: this.#flow,
      requests,
      over: () => this.#over,
      failed: (error) => this.#failed(error),
    });
    this.#state = { kind: "proven", record, requests: waiting };
    clients.confirm(record, answered);
    this.#connection.online("session", offer.name);
    this.#connection.timeout = Infinity;
    this.#flow.start();
    this.#writer!.send(FRAME.hello, 0, writeServerHello({ known }));
    if (this.#connection.draining) this.#drain();
  }

  #drain(): void {
    if (this.#state.kind !== "proven") {
      // Cut off, it would take us for a server that does not speak the wire.
      if (this.#state.kind === "handshake") this.#refuseStopping();
      return;
    }
    if (this.#draining) return;
    this.#draining = true;
    this.#sendClose("draining", STAY_AWAY);
    this.#state.requests.clear();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#state.kind !== "proven") return;
    if (this.#state.record.unfinished > 0) return;
    this.#writer!.flushed().then(() => {
      if (this.#state.kind !== "proven") return;
      if (this.#state.record.unfinished === 0) {
        this.#connection.end("stopped");
      }
    });
  }

  #sendClose(reason: string, after: number): void {
    // None that waits: it may be below one that was cancelled while it waited.
    const last = this.#state.kind === "proven" ? this.#state.record.begun : 0;
    this.#writer!.send(FRAME.close, 0, writeClose({ reason, after, last }));
  }

  #refuseStopping(): void {
    this.#refuse("draining", "The server is stopping");
  }

  #refuse(refusal: Refusal, message: string): void {
    const connection = this.#connection;
    this.#state = { kind: "over" };
    if (refusal === "key") connection.unopened("UNAUTHORIZED", message);
    else connection.failure("REFUSED", message);
    connection.write(writeRefusal(refusal)).then(() =>
      connection.end(
        refusal === "key"
          ? "unauthorized"
          : refusal === "draining"
          ? "stopped"
          : "protocol-error",
      )
    );
  }

  #broken(error: CypherError): void {
    const connection = this.#connection;
    if (error.code === "BAD_TOKEN") {
      connection.unopened(error.code, error.message);
    } else connection.failure(error.code, error.message);
    connection.limit(error.limit);
    connection.end(
      error.code === "TOO_LARGE"
        ? "too-large"
        : error.code === "BAD_TOKEN"
        ? "bad-token"
        : "protocol-error",
    );
  }
}
