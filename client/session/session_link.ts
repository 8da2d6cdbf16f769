import { nextTick } from "node:process";
import { answeredParts, writeAnswered } from "../../protocol/answered_frame.ts";
import type { Clock } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";
import { CypherError } from "../../protocol/errors.ts";
import { FrameWriter } from "../../protocol/frame_writer.ts";
import { FRAME, type Frame, FrameParser } from "../../protocol/frames.ts";
import { Heartbeat } from "../../protocol/heartbeat.ts";
import { readServerHello, writeClientHello } from "../../protocol/hello.ts";
import type { Answer } from "../../protocol/message.ts";
import { readClose } from "../../protocol/notices.ts";
import type { ServerOffer } from "../../protocol/offers.ts";
import { answerIn } from "../../protocol/payload.ts";
import { RecordChannel } from "../../protocol/records.ts";
import { lossOf, type Transport } from "../../protocol/transport.ts";
import type { ClientLink } from "../client_wire.ts";
import type { Pending, PendingRequest } from "../pending.ts";
import type { ClientOfflineReason } from "../signals.ts";
import { ClientHandshake, hungUp } from "./client_handshake.ts";
import { Confirmations } from "./confirmations.ts";
import { connectionError, requestError } from "./error_frames.ts";
import { brokenFor, refusedFor } from "./offline_reasons.ts";
import type { SessionState } from "./session_state.ts";

const SMALLEST_READ = 4_096;
/**
 * The longest that a server can send us away for, in ms. One that lies would
 * do so for weeks; ours asks for a second.
 */
const LONGEST_AWAY = 60_000;
/** What may wait to be written before no pong is added to it, in bytes. */
const ENOUGH_SAID = 65_536;

/** How a {@linkcode SessionLink} is made. */
export interface SessionLinkOptions {
  transport: Transport;
  pending: Pending;
  state: SessionState;
  psk: Uint8Array;
  /** What people call this client. */
  name: string | undefined;
  /** This library. */
  software: string;
  clock: Clock;
  /** How long the handshake may take, in ms. */
  handshakeTimeout: number;
  /** The most that is read at once, in bytes. */
  recvBuffer: number;
  /** The largest payload that is taken, in bytes. */
  messageBytes: number;
  /** How deep an answer's JSON may nest. */
  depth: number;
}

/** What a link has come to. */
type LinkState =
  | { readonly kind: "handshake"; readonly handshake: ClientHandshake }
  | { readonly kind: "unproven"; readonly offer: ServerOffer }
  | { readonly kind: "proven"; readonly offer: ServerOffer }
  /** The server said goodbye: nothing new is sent. */
  | {
    readonly kind: "leaving";
    readonly offer: ServerOffer;
    readonly reason: ClientOfflineReason;
  }
  | { readonly kind: "ended"; readonly reason: ClientOfflineReason };

/** One connection on the session wire. */
export class SessionLink implements ClientLink {
  #options: SessionLinkOptions;
  #state: LinkState;
  #ready: () => void = () => {};
  #refusal: CypherError | undefined;
  #stayAway = 0;
  #answered = false;
  #records: RecordChannel | undefined;
  #writer: FrameWriter | undefined;
  #parser: FrameParser;
  #handshaking: Deadline;
  #confirmations: Confirmations;
  #heartbeat: Heartbeat | undefined;
  /** Whether `send` ends a request: it goes on with the next by itself. */
  #refusing = false;

  constructor(options: SessionLinkOptions) {
    this.#options = options;
    const { clock, psk, state, name, software, messageBytes } = options;
    const handshake = new ClientHandshake(psk, {
      client: state.clientId,
      ...(name !== undefined && { name }),
      software,
      messageBytes,
    });
    this.#state = { kind: "handshake", handshake };
    this.#parser = new FrameParser(messageBytes);
    this.#handshaking = new Deadline(clock, () => this.close("unresponsive"));
    this.#confirmations = new Confirmations(clock, () => this.#confirm());
  }

  get answered(): boolean {
    return this.#answered;
  }

  get refusal(): CypherError | undefined {
    return this.#refusal;
  }

  get stayAway(): number {
    return this.#stayAway;
  }

  async run(ready: () => void): Promise<ClientOfflineReason> {
    const { transport, recvBuffer, handshakeTimeout } = this.#options;
    this.#ready = ready;
    if (this.#state.kind === "handshake") {
      this.#handshaking.set(handshakeTimeout);
      this.#write(this.#state.handshake.first);
    }
    let buffer = new Uint8Array(SMALLEST_READ);
    while (this.#state.kind !== "ended") {
      try {
        const count = await transport.read(buffer);
        if (count === null) this.#closedByPeer();
        else this.#receive(buffer.subarray(0, count));
        // Callers who have their answers come first: what they ask next is
        // written before anything else.
        await new Promise<void>((resolve) => nextTick(resolve));
        this.#heartbeat?.alive();
        // Grown for good: a client has one connection, not thousands.
        if (count === buffer.length && count < recvBuffer) {
          buffer = new Uint8Array(Math.min(recvBuffer, count * 4));
        }
      } catch (error) {
        if (error instanceof CypherError) this.#broken(error);
        else this.close(lossOf(error));
      }
    }
    this.#handshaking.stop();
    this.#confirmations.stop();
    this.#heartbeat?.stop();
    this.#records?.rest();
    return this.#state.reason;
  }

  send(): void {
    if (this.#state.kind !== "proven" || this.#refusing) return;
    const { state } = this.#options;
    const { window, messageBytes } = this.#state.offer;
    for (;;) {
      const next = state.next(window);
      if (!next) return;
      if (next.kind === "cancel") this.#writer!.send(FRAME.cancel, next.id);
      else if (next.request.plain.length <= messageBytes) {
        this.#writer!.send(FRAME.request, next.id, next.request.plain);
      } else this.#tooLarge(next.id, messageBytes, next.again);
    }
  }

  /** A request ended early: the server need not go on with it. */
  cancel(id: number): void {
    const { kind } = this.#state;
    // A server that drains waits for it, too.
    if (kind !== "proven" && kind !== "leaving") return;
    this.#writer!.send(FRAME.cancel, id);
  }

  close(reason: ClientOfflineReason): void {
    if (this.#state.kind === "ended") return;
    this.#state = { kind: "ended", reason };
    this.#options.transport.close();
  }

  #write(bytes: Uint8Array, progress?: () => void): Promise<void> {
    return this.#options.transport.write(bytes, progress).catch((error) =>
      this.close(lossOf(error))
    );
  }

  #receive(chunk: Uint8Array): void {
    if (this.#state.kind === "handshake") {
      return this.#step(this.#state.handshake, chunk);
    }
    const { opener } = this.#records!;
    for (const plain of opener.push(chunk)) {
      for (const frame of this.#parser.push(plain)) {
        this.#take(frame);
        if (this.#state.kind === "ended") return;
      }
    }
    const held = opener.held + this.#parser.held;
    if (held > 0) this.#heartbeat?.arriving();
    this.send();
  }

  #step(handshake: ClientHandshake, chunk: Uint8Array): void {
    const step = handshake.push(chunk);
    switch (step.kind) {
      case "more":
        return;
      case "refused":
        this.#refusal = step.error;
        return this.close(refusedFor(step.error));
      case "accepted": {
        const records = this.#records = new RecordChannel(step.channel);
        this.#writer = new FrameWriter(
          records.sealer,
          (bytes, progress) => this.#write(bytes, progress),
          () => this.#heartbeat?.alive(),
          () => records.prepare(),
        );
        this.#state = { kind: "unproven", offer: step.offer };
        this.#hello(step.offer);
        if (step.rest.length > 0) this.#receive(step.rest);
      }
    }
  }

  #hello({ server, messageBytes }: ServerOffer): void {
    const { state } = this.#options;
    const { secret } = state;
    const met = state.met(server);
    const [answered] = answeredParts(state.answered, messageBytes);
    this.#writer!.send(
      FRAME.hello,
      0,
      writeClientHello({ secret, answered: answered!, met }),
    );
  }

  #take(frame: Frame): void {
    if (this.#state.kind === "unproven") return this.#prove(frame);
    const { state, pending } = this.#options;
    switch (frame.type) {
      case FRAME.response:
      case FRAME.error: {
        if (frame.id === 0) throw connectionError(frame);
        // It says nothing about how the server is, nor is it to be confirmed.
        if (!state.awaits(frame.id)) return;
        this.#answered = true;
        this.#records!.wake();
        const request = state.ended(frame.id);
        this.#confirmations.answered();
        if (!request) return;
        const outcome = this.#read(request, frame);
        if (outcome instanceof CypherError) pending.fail(request, outcome);
        else pending.settle(request, outcome);
        return;
      }
      case FRAME.ping:
        this.#records!.rest();
        // What waits is a sign of life, too. A server that pings and does not
        // read could make us keep any number.
        if (this.#writer!.waiting > ENOUGH_SAID) return;
        return this.#writer!.send(FRAME.pong, 0, frame.payload);
      case FRAME.pong:
        return void this.#heartbeat?.pong(frame.payload);
      case FRAME.close:
        return this.#goodbye(frame);
      default:
        throw new CypherError(
          "BAD_MESSAGE",
          "Cannot take the frame: it is not for a server to send",
        );
    }
  }

  #prove(frame: Frame): void {
    const { offer } = this.#state as { offer: ServerOffer };
    if (frame.type !== FRAME.hello) {
      throw new CypherError("BAD_MESSAGE", "Cannot go on: hello comes first");
    }
    const { known } = readServerHello(frame.payload);
    const { clock, state } = this.#options;
    if (!known && state.met(offer.server)) {
      // Nothing is begun for us before it knows that we have heard it.
      state.forgotten();
      return this.#hello(offer);
    }
    this.#handshaking.stop();
    this.#state = { kind: "proven", offer };
    this.#heartbeat = new Heartbeat(clock, offer.heartbeat, {
      ping: (payload) => {
        this.#records!.rest();
        this.#writer!.send(FRAME.ping, 0, payload);
      },
      dead: () => this.close("unresponsive"),
    });
    this.#heartbeat.start();
    state.connected(offer.server, known);
    // What the hello had no room for.
    const parts = answeredParts(state.answered, offer.messageBytes);
    if (parts.length > 1) this.#confirm();
    this.#ready();
  }

  #read({ request }: PendingRequest, frame: Frame): Answer | CypherError {
    return frame.type === FRAME.error
      ? requestError(frame)
      : answerIn(frame.payload, request, this.#options.depth);
  }

  #goodbye(frame: Frame): void {
    const { reason, after, last } = readClose(frame.payload);
    if (reason === "replaced") return this.close("replaced");
    this.#stayAway = Math.min(after, LONGEST_AWAY);
    this.#options.state.goodbye(last);
    // Answers to what runs still come; the server closes after the last.
    const { offer } = this.#state as { offer: ServerOffer };
    this.#state = { kind: "leaving", offer, reason: "draining" };
  }

  #tooLarge(id: number, limit: number, again: boolean): void {
    const { state, pending } = this.#options;
    const request = state.ended(id);
    if (!request) return;
    this.#refusing = true;
    pending.fail(
      request,
      again
        ? new CypherError(
          "OUTCOME_UNKNOWN",
          `Cannot send the request again: the server takes ${limit} bytes ` +
            "now, and may have executed it before",
        )
        : new CypherError(
          "TOO_LARGE",
          `Cannot send the request: the server takes ${limit} bytes`,
        ),
    );
    this.#refusing = false;
  }

  #confirm(): void {
    this.#confirmations.confirmed();
    if (this.#state.kind !== "proven" && this.#state.kind !== "leaving") return;
    const { answered } = this.#options.state;
    for (
      const part of answeredParts(answered, this.#state.offer.messageBytes)
    ) {
      this.#writer!.send(FRAME.answered, 0, writeAnswered(part));
    }
  }

  #closedByPeer(): void {
    if (this.#state.kind === "leaving") return this.close(this.#state.reason);
    if (this.#state.kind === "handshake") {
      this.#refusal = hungUp();
      return this.close("wire-mismatch");
    }
    this.close("peer-closed");
  }

  #broken(error: CypherError): void {
    if (this.#state.kind === "handshake") this.#refusal = error;
    this.close(brokenFor(error));
  }
}
