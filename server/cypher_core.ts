import { CypherError } from "../protocol/errors.ts";
import { Answers, type AnswersElsewhere } from "./answers.ts";
import { ClassicWire } from "./classic_wire.ts";
import { Executor } from "./executor.ts";
import type { Handler } from "./handler.ts";
import type { Identities } from "./identities.ts";
import type { Journalling } from "./journal.ts";
import { KeyRing, type ServerKeys } from "./key_ring.ts";
import type { CheckedOptions } from "./options.ts";
import { Runner } from "./runner.ts";
import { TcpCore } from "./tcp_core.ts";
import { ClientRegistry } from "./session/client_registry.ts";
import type { Elsewhere } from "./session/elsewhere.ts";
import { SessionWire } from "./session/session_wire.ts";
import { serveWires } from "./wires.ts";

/** What serves, whether on one thread or on many. */
export interface Serving {
  /** Where it listens, once it does. */
  readonly address: Deno.NetAddr | undefined;
  /** Whether one key serves both directions. */
  readonly equalKeys: boolean;
  /** Starts to listen. */
  start(): void | Promise<void>;
  /** Accepts a newer pair of keys too; gives its generation. */
  addKeys(keys: ServerKeys): number;
  /** Accepts a pair no longer, and closes the connections that use it. */
  withdrawKeys(generation: number): void;
  /** Stops, after `grace` ms at most for what is in progress. */
  stop(grace: number): Promise<void>;
}

/** How a {@linkcode CypherCore} is made. */
export interface CoreOptions extends Omit<CheckedOptions, "handler"> {
  handler: Handler;
  /** The server's id: new whenever it has forgotten its clients. */
  serverId: string;
  /** What survives the process. */
  journalling?: Journalling | undefined;
  /** The other threads, if there are any. */
  elsewhere?: Elsewhere & AnswersElsewhere | undefined;
  /** Where the identities of all threads are kept. */
  identities?: Identities | undefined;
  /** Told which address is refused for what it sent, and for how many ms. */
  onBan?: (origin: string, time: number) => void;
}

/** Accepts, answers and remembers, on one thread. */
export class CypherCore implements Serving {
  /** The clients that it remembers. */
  readonly clients: ClientRegistry;
  /** What it has answered on the classic wire. */
  readonly answers: Answers;
  #tcp: TcpCore;
  #keys: KeyRing;

  /**
   * Makes one; {@linkcode CypherCore.start} lets it listen.
   *
   * @throws {CypherError} `BAD_OPTION` if the keys or the journal are unusable.
   */
  constructor(options: CoreOptions) {
    const { clock, limits, recvBuffer, journalling, onBan } = options;
    // Should the journal be unusable.
    using undo = new DisposableStack();
    const keys = undo.use(
      new KeyRing([options, ...options.olderKeys], options),
    );
    const { elsewhere, identities } = options;
    const answers = new Answers({
      ...options.answers,
      journal: journalling,
      identities,
      elsewhere,
    });
    const runner = new Runner(options);
    const { idempotent } = options;
    const executor = new Executor({
      runner,
      answers,
      idempotent,
      journal: journalling,
    });
    const classic = new ClassicWire({
      keys,
      executor,
      answers,
      recvBuffer,
      ...limits,
    });
    const clients = new ClientRegistry({
      journal: journalling,
      elsewhere,
      clock,
      maxBytes: options.answers.maxBytes,
      maxAge: options.answers.maxAge,
      maxAway: options.answers.clients,
    });
    const session = new SessionWire({
      ...limits,
      ...options,
      runner,
      clients,
      keys,
    });
    const wires = [session, classic].filter(({ name }) =>
      options.wires.includes(name)
    );
    const choice = { wires, clock, patience: limits.handshakeTimeout };
    this.#keys = keys;
    this.clients = clients;
    this.answers = answers;
    this.#tcp = new TcpCore({
      ...options,
      wires: wires.map(({ name }) => name),
      handshakeTimeout: limits.handshakeTimeout,
      maxConnections: limits.connections,
      maxPerAddress: limits.connectionsPerAddress,
      bans: {
        badTokens: limits.badTokens,
        banTime: limits.banTime,
        ...(onBan && { onBan }),
      },
      pace: { timeout: limits.messageTimeout, rate: limits.messageRate },
      unproven: { connections: limits.unproven, bytes: limits.unprovenBytes },
      serve: (connection) => serveWires(choice, connection),
      idle: () => runner.idle(),
      abandon: () =>
        runner.abort(new CypherError("CLOSED", "The server was stopped")),
    });
    undo.move();
  }

  get address(): Deno.NetAddr | undefined {
    return this.#tcp.address;
  }

  get equalKeys(): boolean {
    return this.#keys.equalKeys;
  }

  start(): void {
    this.#tcp.start();
  }

  addKeys(keys: ServerKeys): number {
    return this.#keys.add(keys);
  }

  withdrawKeys(generation: number): void {
    this.#keys.withdraw(generation);
    this.#tcp.closeEach(
      (connection) => connection.generation === generation,
      "withdrawn",
    );
  }

  /** Refuses an address for so many ms, as another thread does. */
  ban(origin: string, time: number): void {
    this.#tcp.bans.ban(origin, time);
  }

  async stop(grace: number): Promise<void> {
    await this.#tcp.stop(grace);
    this.clients.close();
    this.#keys[Symbol.dispose]();
  }
}
