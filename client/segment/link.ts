import { sleep } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";
import type { CypherError } from "../../protocol/errors.ts";
import { BLOCK_SIZE } from "../../protocol/segment/block.ts";
import { ClientHandshake } from "../../protocol/segment/client_handshake.ts";
import type { Agreement } from "../../protocol/segment/data.ts";
import type { Question } from "../../protocol/segment/delivery.ts";
import {
  initialSequence,
  type Step,
} from "../../protocol/segment/handshake.ts";
import { Intake } from "../../protocol/segment/intake.ts";
import { Receipt } from "../../protocol/segment/receipt.ts";
import { lossOf, type Transport } from "../../protocol/transport.ts";
import { damaged, endedEarly, noAnswer, refused } from "./errors.ts";
import type { SegmentClientSettings } from "./options.ts";
import type { SegmentClientStep, SegmentOfflineReason } from "./signals.ts";

/** The most that is read at once, in bytes. */
const LARGEST_READ = 65_536;

const HANDSHAKE_STEPS: Readonly<Record<Step, SegmentClientStep>> = {
  "SYN": "syn-sent",
  "SYN-ACK": "syn-ack-received",
  "ACK": "ack-sent",
};

const DATA_STEPS: Readonly<Record<Question, SegmentClientStep>> = {
  arrived: "payload-received",
  intact: "payload-intact",
};

/** Where a link stands. */
type LinkState =
  | { readonly kind: "handshake"; readonly handshake: ClientHandshake }
  | { readonly kind: "idle"; readonly agreed: Agreement }
  /** A message was sent whose answer is not settled. */
  | {
    readonly kind: "waiting";
    readonly agreed: Agreement;
    readonly receipt: Receipt;
    readonly answer: PromiseWithResolvers<Uint8Array>;
  }
  | { readonly kind: "ended"; readonly error: CypherError };

/**
 * One connection: the handshake, then one message at a time, as a message ends
 * where the next bytes do. It reads all the time, so a server that goes is
 * noticed without a message.
 */
export class SegmentLink {
  /** Resolves once the handshake is done; rejects if it fails. */
  readonly opened: Promise<Agreement>;
  /** Resolves to the reason once the connection is over. */
  readonly ended: Promise<SegmentOfflineReason>;
  #transport: Transport;
  #settings: SegmentClientSettings;
  #tell: (step: SegmentClientStep) => void;
  #state: LinkState;
  #intake: Intake;
  #deadline: Deadline;
  #opening = Promise.withResolvers<Agreement>();
  #ending = Promise.withResolvers<SegmentOfflineReason>();
  #over = new AbortController();

  /** Begins the handshake on a transport that was just opened. */
  constructor(
    transport: Transport,
    settings: SegmentClientSettings,
    tell: (step: SegmentClientStep) => void,
  ) {
    const { clock, handshakeTimeout, bufferSize, random } = settings;
    this.#transport = transport;
    this.#settings = settings;
    this.#tell = tell;
    const isn = initialSequence(random);
    const handshake = new ClientHandshake({ ...settings, isn });
    this.#state = { kind: "handshake", handshake };
    const largest = Math.max(BLOCK_SIZE, bufferSize);
    const readSize = Math.min(LARGEST_READ, largest);
    // Up to a block that is not whole yet, and what comes after it.
    this.#intake = new Intake(largest + readSize);
    this.#deadline = new Deadline(clock, () => this.#expired());
    this.#deadline.set(handshakeTimeout);
    this.opened = this.#opening.promise;
    this.ended = this.#ending.promise;
    this.#write(handshake.start());
    this.#run(new Uint8Array(readSize));
  }

  /** What was agreed on; undefined before and after the connection. */
  get agreed(): Agreement | undefined {
    const state = this.#state;
    return state.kind === "idle" || state.kind === "waiting"
      ? state.agreed
      : undefined;
  }

  /**
   * Sends a message and gives its answer. There must be no other under way.
   *
   * @throws {CypherError} `NO_ANSWER`, `DEADLINE`, `BAD_MESSAGE`, `CLOSED`.
   */
  exchange(message: Uint8Array): Promise<Uint8Array> {
    const state = this.#state;
    if (state.kind === "ended") return Promise.reject(state.error);
    if (state.kind !== "idle") throw new Error("A message is under way");
    const { agreed } = state;
    const { resends, timeout } = this.#settings;
    const answer = Promise.withResolvers<Uint8Array>();
    const receipt = new Receipt(agreed, resends);
    this.#state = { kind: "waiting", agreed, receipt, answer };
    this.#deadline.set(timeout);
    this.#write(message);
    return answer.promise;
  }

  /** Closes the connection; the first reason counts. */
  close(reason: SegmentOfflineReason, why?: CypherError): void {
    const state = this.#state;
    if (state.kind === "ended") return;
    const step = state.kind === "handshake" ? state.handshake.step : undefined;
    const error = why ?? endedEarly(reason, step);
    this.#state = { kind: "ended", error };
    this.#deadline.stop();
    this.#over.abort();
    this.#transport.close();
    if (state.kind === "handshake") this.#opening.reject(error);
    if (state.kind === "waiting") state.answer.reject(error);
    this.#ending.resolve(reason);
  }

  async #run(buffer: Uint8Array): Promise<void> {
    while (this.#state.kind !== "ended") {
      try {
        const count = await this.#transport.read(buffer);
        if (count === null) this.close("peer-closed");
        else await this.#receive(buffer.subarray(0, count));
      } catch (error) {
        this.close(lossOf(error));
      }
    }
  }

  async #receive(chunk: Uint8Array): Promise<void> {
    if (!this.#intake.push(chunk)) return this.close("unexpected-data");
    for (;;) {
      const state = this.#state;
      if (state.kind === "ended") return;
      if (state.kind === "idle") {
        return this.#intake.size > 0
          ? this.close("unexpected-data")
          : undefined;
      }
      const size = state.kind === "handshake"
        ? BLOCK_SIZE
        : state.agreed.bufferSize;
      const block = this.#intake.take(size);
      if (block === undefined) return;
      if (state.kind === "waiting") this.#judge(state, block);
      else await this.#shake(state.handshake, block);
    }
  }

  async #shake(handshake: ClientHandshake, block: Uint8Array): Promise<void> {
    const { clock, resendPause } = this.#settings;
    const { reply, pause, done } = handshake.receive(block);
    if (pause) {
      await sleep(clock, resendPause, this.#over.signal).catch(() => {});
    }
    if (this.#state.kind === "ended") return;
    if (reply) this.#write(reply);
    if (done) this.#tell(HANDSHAKE_STEPS[done]);
    const { end } = handshake;
    if (end?.kind === "failed") {
      this.close("protocol-error", refused(end.step, end.problem));
    } else if (end) {
      this.#state = { kind: "idle", agreed: end.agreed };
      this.#deadline.clear();
      this.#opening.resolve(end.agreed);
    }
  }

  #judge(
    { agreed, receipt, answer }: LinkState & { kind: "waiting" },
    block: Uint8Array,
  ): void {
    const { reply, confirmed, payload, exhausted } = receipt.receive(block);
    this.#write(reply);
    for (const question of confirmed) this.#tell(DATA_STEPS[question]);
    if (payload) {
      this.#state = { kind: "idle", agreed };
      this.#deadline.clear();
      answer.resolve(payload);
    } else if (exhausted) {
      const { resends } = this.#settings;
      this.close("protocol-error", damaged(exhausted, resends));
    }
  }

  #write(bytes: Uint8Array): void {
    this.#transport.write(bytes).catch((error) => this.close(lossOf(error)));
  }

  #expired(): void {
    const { handshakeTimeout, timeout } = this.#settings;
    const state = this.#state;
    this.close(
      "timeout",
      state.kind === "handshake"
        ? refused(state.handshake.step, `it took over ${handshakeTimeout} ms`)
        : noAnswer(timeout),
    );
  }
}
