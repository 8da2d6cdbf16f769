import { Child, type ChildOptions } from "./child.ts";
import { pause } from "./clients.ts";
import type { HealthyTask } from "./programs/healthy.ts";
import type { ServerTask } from "./programs/server.ts";
import type { Figures, Latencies } from "./report.ts";

/** What a scenario may be told on the command line. */
export interface Scale {
  /** How long healthy clients are watched in each phase, in seconds. */
  readonly seconds: number;
  /** How many send slowly. */
  readonly slowSenders: number;
  /** How many connections send bad tokens at a time. */
  readonly lanes: number;
  /** How many say nothing. */
  readonly silentPeers: number;
  /** How many connections come and go in each of so many rounds. */
  readonly churned: number;
  readonly rounds: number;
  /** How many recorded tokens are sent again. */
  readonly replays: number;
  /** How many requests are in flight when the server is told to stop. */
  readonly inFlight: number;
  /** How long the mixed load lasts. */
  readonly minutes: number;
}

/** One thing that is done to a server, and what it must bear. */
export interface Scenario {
  /** What it is called on the command line. */
  readonly name: string;
  /** What is done, in a line. */
  readonly about: string;
  /** Does it, and tells what it found. */
  run(stage: Stage): Promise<void>;
}

/**
 * Where a scenario is played: starts its programs, and ends them when it is
 * over. The server has the second core to itself, everybody else shares the
 * first, so that what attackers burn is not taken from the server by the
 * scheduler.
 */
export class Stage implements AsyncDisposable {
  readonly scale: Scale;
  readonly figures: Figures;
  #pinned: boolean;
  #children = new AsyncDisposableStack();

  constructor(scale: Scale, figures: Figures, pinned: boolean) {
    this.scale = scale;
    this.figures = figures;
    this.#pinned = pinned;
  }

  /** Starts a program; on any core if `cores` is `"any"`. */
  async start(
    name: string,
    argument: unknown,
    { cores = "0", ...options }: ChildOptions = {},
  ): Promise<Child> {
    const any = cores === "any"
      ? `0-${navigator.hardwareConcurrency - 1}`
      : cores;
    return this.#children.use(
      await Child.start(name, argument, {
        ...options,
        ...(this.#pinned && { cores: any }),
      }),
    );
  }

  /**
   * Starts attackers. They give way to the healthy clients, which would measure
   * their own core being taken from them instead of the server.
   */
  attackers(name: string, argument: unknown): Promise<Child> {
    return this.start(name, argument, { nice: true });
  }

  /** Starts the server. */
  async server(
    task: ServerTask = {},
    options: ChildOptions = {},
  ): Promise<{ server: Child; port: number }> {
    const server = await this.start("server", task, { cores: "1", ...options });
    return { server, port: await server.ask("port") };
  }

  /** Starts clients as they should be: 20 that ask 50 times a second. */
  healthy(port: number): Promise<Child> {
    const task: HealthyTask = { port, clients: 10, every: 20 };
    return this.start("healthy", task);
  }

  /** Watches healthy clients for as long as is asked for. */
  async watch(healthy: Child): Promise<Latencies> {
    await healthy.ask("begin");
    await pause(this.scale.seconds * 1_000);
    return await healthy.ask("latencies");
  }

  /** Ends all programs. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#children.disposeAsync();
  }
}
