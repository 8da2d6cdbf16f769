/** The clients in the model of threads, and their connections. */

import { AnsweredSet } from "../../protocol/answered.ts";
import { FRAME, type Frame } from "../../protocol/frames.ts";
import type { Connection } from "../../server/connection.ts";
import type {
  ClientRecord,
  Ending,
  Owner,
} from "../../server/session/client_record.ts";
import { Requests } from "../../server/session/requests.ts";
import type { SessionWireOptions } from "../../server/session/session_options.ts";
import type { Fate } from "./thread_fate.ts";
import type { ModelThread } from "./thread_model_thread.ts";

const utf8 = new TextEncoder();
const CONNECTION = {
  requestBegins: () => 0,
  requestLeft() {},
  requestEnds() {},
};

/** A connection's server side, on one thread. */
export class Session implements Owner {
  readonly thread: ModelThread;
  readonly client: ModelClient;
  readonly toServer: Pick<Frame, "type" | "id" | "payload">[] = [];
  readonly toClient: [id: number, ending: Ending][] = [];
  readonly ticket: number;
  over = false;
  /** Waits for the main thread. */
  waits = false;
  record: ClientRecord | undefined;
  #requests: Requests | undefined;

  constructor(thread: ModelThread, client: ModelClient) {
    this.thread = thread;
    this.client = client;
    this.ticket = thread.registry.ticket();
  }

  /** Takes one frame; the first is the hello. */
  take(): void {
    const frame = this.toServer.shift()!;
    const { thread, client } = this;
    if (frame.type === FRAME.request) {
      this.#requests!.request(frame as Frame, false);
      const running = this.record!.running.get(frame.id);
      if ((running?.place ?? -1) >= 0) {
        thread.entered.add(client.fate(frame.id));
      }
      return;
    }
    if (frame.type === FRAME.cancel) return this.#requests!.cancel(frame.id);
    const answered = AnsweredSet.fromJson(
      JSON.parse(new TextDecoder().decode(frame.payload)),
      1_000,
    );
    if (this.record) return thread.registry.confirm(this.record, answered);
    this.waits = true;
    const known = thread.registry.fetch(client.id, this.ticket, false);
    Promise.resolve(known).then((known) => {
      this.waits = false;
      if (this.over || thread.dead) return;
      if (known === undefined) return void (this.over = true);
      const { registry } = thread;
      const record = this.record = registry.claim(
        client.id,
        this,
        this.ticket,
      );
      this.#requests = new Requests({
        wire: {
          clients: registry,
          runner: thread.runner,
          depth: 10,
          window: 1_000,
          idempotent: ({ path }) => path === "/IDEMPOTENT",
        } as Partial<SessionWireOptions> as SessionWireOptions,
        connection: CONNECTION as Partial<Connection> as Connection,
        record,
        peerBytes: 1_000,
        deliver: (id, ending) => this.deliver(id, ending),
      });
      registry.confirm(record, answered);
    });
  }

  deliver(id: number, ending: Ending): void {
    this.toClient.push([id, ending]);
  }

  replaced(): void {
    this.over = true;
  }

  interrupted(): void {
    this.over = true;
  }
}

/** A client, which sends again what has no answer. */
export class ModelClient {
  readonly id: string;
  readonly fates = new Map<number, Fate>();
  session: Session | undefined;
  #last = 0;
  #answered = new AnsweredSet(1_000);

  constructor(id: string) {
    this.id = id;
  }

  fate(id: number): Fate {
    return this.fates.get(id)!;
  }

  get open(): Fate[] {
    return [...this.fates.values()].filter(({ outcome }) => !outcome);
  }

  get connected(): boolean {
    return this.session?.over === false;
  }

  connect(thread: ModelThread): void {
    this.session = new Session(thread, this);
    thread.sessions.add(this.session);
    this.confirm();
    for (const fate of this.open) {
      if (fate.cancelled) this.#send(FRAME.cancel, fate.id);
      else this.#request(fate);
    }
  }

  confirm(): void {
    this.#send(FRAME.answered, 0, JSON.stringify(this.#answered));
  }

  request(idempotent: boolean): void {
    const fate: Fate = {
      client: this.id,
      id: ++this.#last,
      idempotent,
      cancelled: false,
      begun: 0,
      cutOff: false,
      done: 0,
      at: undefined,
      lost: false,
      outcome: undefined,
    };
    this.fates.set(fate.id, fate);
    if (this.connected) this.#request(fate);
  }

  cancel(fate: Fate): void {
    fate.cancelled = true;
    if (this.connected) this.#send(FRAME.cancel, fate.id);
  }

  hear(): void {
    const [id, { type, payload }] = this.session!.toClient.shift()!;
    const fate = this.fate(id);
    fate.outcome ??= type === FRAME.response
      ? "answered"
      : JSON.parse(payload).code as string;
    this.#answered.add(id);
  }

  #request({ id, idempotent }: Fate): void {
    this.#send(
      FRAME.request,
      id,
      JSON.stringify({
        PATH: idempotent ? "/IDEMPOTENT" : "/",
        OPERATION: "NONE",
        DATA: null,
        METADATA: {},
      }),
    );
  }

  #send(type: Frame["type"], id: number, text = ""): void {
    this.session!.toServer.push({ type, id, payload: utf8.encode(text) });
  }
}
