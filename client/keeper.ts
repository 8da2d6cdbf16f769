import { addressOf } from "../protocol/address.ts";
import { sleep } from "../protocol/clock.ts";
import { CypherError } from "../protocol/errors.ts";
import { ConnTransport, type Transport } from "../protocol/transport.ts";
import { backoff } from "./backoff.ts";
import { DialFailure } from "./dial_failure.ts";
import type { ClientSettings } from "./options.ts";
import type { ClientOfflineReason } from "./signals.ts";

/** What a keeper needs of a client's settings. */
export type KeeperSettings = Pick<
  ClientSettings,
  | "attempts"
  | "backoff"
  | "clock"
  | "connectTimeout"
  | "dial"
  | "hostname"
  | "port"
  | "random"
  | "transmissionBuffer"
>;

/** One connection, whatever is spoken on it. */
export interface Link {
  /** Whether it has brought any answer: then the server is well. */
  readonly answered: boolean;
  /**
   * Runs the connection until it is over; resolves to the reason. `ready` is
   * called once requests may be sent.
   */
  run(ready: () => void): Promise<ClientOfflineReason>;
  /** Why the server would not have us, if that is how it ended. */
  readonly refusal?: CypherError | undefined;
  /** What may have been wrong with a connection that ended, for people. */
  readonly suspicion?: string | undefined;
  /** How long the server asked us to stay away, in ms; default 0. */
  readonly stayAway?: number;
  /** Closes the connection. */
  close(reason: ClientOfflineReason): void;
}

/** Where a client stands. */
export type ClientState =
  /** Nobody has asked for a connection, or its `attempts` are used up. */
  | "idle"
  /** A connection is being opened. */
  | "dialing"
  /** The connection was lost or refused; the next attempt comes soon. */
  | "waiting"
  /** The connection is up. */
  | "online"
  /** Closed for good. */
  | "closed";

/** Where a keeper stands: a client's state, with the link where there is one. */
export type KeeperState<L> =
  | { readonly kind: Exclude<ClientState, "online"> }
  | { readonly kind: "online"; readonly link: L };

/** Whom a {@linkcode Keeper} tells. */
export interface KeeperEvents<L> {
  /** Makes the link of a connection that was opened. */
  link(transport: Transport): L;
  /** The connection is up. */
  online(): void;
  /** The connection is down, or could not be opened in the first place. */
  offline(reason: ClientOfflineReason): void;
  /** The server would not have us; there will be another attempt. */
  refused(error: CypherError): void;
  /** There will be no further attempt. */
  gaveUp(error: CypherError): void;
}

/**
 * Keeps one connection up: dials, runs the link, waits, dials again. One loop,
 * so there is never more than one attempt or connection.
 */
export class Keeper<L extends Link> {
  #settings: KeeperSettings;
  #events: KeeperEvents<L>;
  #state: KeeperState<L> = { kind: "idle" };
  #closing = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** The link that runs, ready or not. */
  #link: L | undefined;
  /** Why there is no connection, for people; undefined before one was tried. */
  #trouble: string | undefined;
  /** What was last told; undefined before anything was. */
  #told: "online" | "offline" | undefined;

  constructor(settings: KeeperSettings, events: KeeperEvents<L>) {
    this.#settings = settings;
    this.#events = events;
  }

  /** Where it stands. */
  get state(): KeeperState<L> {
    return this.#state;
  }

  /** Why there is no connection, for people; undefined if there is one. */
  get trouble(): string | undefined {
    return this.#state.kind === "online" ? undefined : this.#trouble;
  }

  /** Begins to keep a connection up, if it does not yet. */
  start(): void {
    if (this.#state.kind !== "idle") return;
    this.#state = { kind: "dialing" };
    this.#loop = this.#run();
  }

  /** Closes the connection for good. */
  async close(): Promise<void> {
    this.#state = { kind: "closed" };
    this.#closing.abort();
    this.#link?.close("closed");
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#settings;
    let failures = 0;
    let failedDials = 0;
    while (!this.#closed) {
      this.#move({ kind: "dialing" });
      const dialled = await this.#dial();
      let reason: ClientOfflineReason;
      let stayAway = 0;
      let gaveUp = false;
      if (dialled instanceof DialFailure) {
        failedDials++;
        reason = dialled.reason;
        const { cause, why } = dialled;
        this.#trouble = `Cannot connect to ${
          addressOf(this.#settings)
        }: ${why}`;
        // Whoever waits hears why; there will be another attempt all the same.
        if (cause instanceof CypherError) this.#events.refused(cause);
        gaveUp = this.#giveUp(dialled, failedDials);
      } else {
        failedDials = 0;
        const link = this.#events.link(dialled);
        reason = await this.#use(link);
        this.#trouble = link.refusal?.message ?? ended(reason, link.suspicion);
        stayAway = link.stayAway ?? 0;
        if (link.answered) failures = 0;
        if (link.refusal && !this.#closed) this.#events.refused(link.refusal);
      }
      if (this.#closed) reason = "closed";
      // Before anybody is told: who asks then finds what comes next.
      if (reason === "replaced") this.#replaced();
      else if (!gaveUp) this.#move({ kind: "waiting" });
      this.#tell("offline", reason);
      if (gaveUp || reason === "replaced") return;
      // A connection that we gave up ourselves says nothing about the server.
      if (this.#closed || reason === "abandoned") continue;
      const pause = backoff(failures++, this.#settings.backoff, random);
      await sleep(clock, stayAway + pause, this.#closing.signal)
        .catch(() => {});
    }
  }

  async #use(link: L): Promise<ClientOfflineReason> {
    if (this.#closed) link.close("closed");
    this.#link = link;
    const reason = await link.run(() => {
      this.#move({ kind: "online", link });
      if (!this.#closed) this.#tell("online");
    });
    this.#link = undefined;
    return reason;
  }

  async #dial(): Promise<Transport | DialFailure> {
    const { clock, connectTimeout, dial, hostname, port, transmissionBuffer } =
      this.#settings;
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    let timeout: number | undefined;
    const late = () => {
      timeout = connectTimeout;
      abort();
    };
    this.#closing.signal.addEventListener("abort", abort);
    const timer = clock.setTimeout(late, connectTimeout);
    try {
      const conn = await dial({ hostname, port }, attempt.signal);
      return new ConnTransport(conn, transmissionBuffer);
    } catch (error) {
      return new DialFailure(error, timeout);
    } finally {
      clock.clearTimeout(timer);
      this.#closing.signal.removeEventListener("abort", abort);
    }
  }

  /**
   * Gives up, if there is no use in going on. Before it tells that it is
   * offline: whoever hears that can see that it is not being tried again.
   */
  #giveUp({ cause, why }: DialFailure, failedDials: number): boolean {
    const { attempts } = this.#settings;
    const forbidden = cause instanceof Deno.errors.NotCapable;
    if (!forbidden && failedDials < attempts) return false;
    const after = forbidden
      ? " (run with --allow-net)"
      : `: ${why} (attempts made: ${attempts})`;
    this.#move({ kind: "idle" });
    this.#events.gaveUp(
      new CypherError(
        "CONNECT_FAILED",
        `Cannot connect to ${addressOf(this.#settings)}${after}`,
        { cause },
      ),
    );
    return true;
  }

  /** Coming back would only throw out whoever took our place. */
  #replaced(): void {
    this.#state = { kind: "closed" };
    this.#events.gaveUp(
      new CypherError("REPLACED", "This client's secret is used elsewhere"),
    );
  }

  get #closed(): boolean {
    return this.#state.kind === "closed";
  }

  #move(state: KeeperState<L>): void {
    if (!this.#closed) this.#state = state;
  }

  /** Tells transitions alone: a second failed dial is no news. */
  #tell(what: "online"): void;
  #tell(what: "offline", reason: ClientOfflineReason): void;
  #tell(what: "online" | "offline", reason?: ClientOfflineReason): void {
    if (this.#told === what) return;
    // Closing before anything was told ends nothing.
    if (this.#told === undefined && reason === "closed") return;
    this.#told = what;
    if (reason === undefined) this.#events.online();
    else this.#events.offline(reason);
  }
}

function ended(reason: ClientOfflineReason, suspicion?: string): string {
  const said = `The connection ended: ${reason}`;
  return suspicion ? `${said}. ${suspicion}` : said;
}
