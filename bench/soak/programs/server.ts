/**
 * The server of the soak, a process of its own: answers the paths below, and
 * questions about itself. SIGTERM stops it gracefully.
 *
 * @module
 */
import {
  type DashboardServer,
  serveDashboard,
} from "../../../dashboard/mod.ts";
import * as cypher from "../../../mod.ts";
import {
  CypherServer,
  type CypherServerOptions,
  CypherStatus,
  type Handler,
  type JsonValue,
  type Monitor,
} from "../../../mod.ts";
import { filler, KEYS } from "../../support.ts";
import { answering, given } from "../answering.ts";
import burn, { spin } from "./burn.ts";

/** What the server is started with. */
export interface ServerTask {
  /** Options besides the keys and the handler. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** How many threads, with a handler that only burns; default no threads. */
  readonly threads?: number;
}

/** What it tells of itself. */
export interface ServerCounts {
  /** Requests that were executed. */
  readonly executed: number;
  /** Connections that are open, as the monitor has them. */
  readonly connections: number;
  /** Signals by their kind. */
  readonly signals: Readonly<Record<string, number>>;
  /** Limits that were reached, by their name. */
  readonly limits: Readonly<Record<string, number>>;
  /** Why connections have ended. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Lines of its log; undefined where the library writes none. */
  readonly logLines?: number;
}

/** What it holds, in bytes. */
export interface ServerMemory {
  /** The heap, and what it refers to outside. */
  readonly held: number;
  /** As the operating system sees it. */
  readonly resident: number;
}

/** The dashboard remembers little: what it does is full after a minute. */
const REMEMBERED = {
  port: 0,
  limits: { signals: 1_000, requests: 1_000, closed: 100 },
};

let executed = 0;

const handler: Handler = async (request, context) => {
  executed++;
  const { path, data } = request;
  switch (path) {
    case "/BIG":
      return { data: filler(Number(data)) };
    case "/BURN":
      return burn(request, context);
    case "/FAIL":
      throw new Error("A handler that fails");
    case "/LENGTH":
      return { data: String(data).length };
    case "/REFUSE":
      throw new CypherStatus("NOT_TODAY", "A status of the handler's own");
    case "/WAIT":
      await pause(Number(data), context.signal);
      return { data: null };
    default:
      return { data: data as JsonValue };
  }
};

await answering(async () => {
  const { options = {}, threads } = given<ServerTask>();
  const server = new CypherServer({
    port: 0,
    encryptionKey: KEYS.serverToClient,
    decryptionKey: KEYS.clientToServer,
    handler: threads === undefined
      ? handler
      : new URL("./burn.ts", import.meta.url),
    ...(threads !== undefined && { threads }),
    ...options,
  } as CypherServerOptions);
  const counts = {
    signals: {} as Record<string, number>,
    limits: {} as Record<string, number>,
    reasons: {} as Record<string, number>,
  };
  server.monitor.listen((signal) => {
    add(counts.signals, signal.kind);
    if (signal.kind === "limit") add(counts.limits, signal.limit);
    if (signal.kind === "offline") add(counts.reasons, signal.reason);
  });
  const { logSignals } = cypher as {
    logSignals?: (
      monitor: Monitor,
      options: { write: (line: string) => void },
    ) => void;
  };
  let logLines = 0;
  logSignals?.(server.monitor, { write: () => logLines++ });
  await server.start();
  Deno.addSignalListener("SIGTERM", async () => {
    await server.stop({ grace: 10_000 });
    Deno.exit(0);
  });
  let sidecar: DashboardServer | undefined;
  return {
    port: () => server.address.port,
    counts: (): ServerCounts => ({
      executed,
      connections: server.monitor.connections().length,
      ...counts,
      ...(logSignals && { logLines }),
    }),
    memory,
    collect,
    dashboard: () =>
      (sidecar ??= serveDashboard(server.monitor, REMEMBERED)).url,
    stepsIn,
  };
});

/** Without a collection: what a look at a running server would see. */
function memory(): ServerMemory {
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return { held: heapUsed + external, resident: rss };
}

/** After a collection: what is really in use. */
function collect(): ServerMemory {
  // The second sweeps the buffers that the first found to be garbage.
  for (let i = 0; i < 2; i++) (globalThis as { gc?: () => void }).gc?.();
  return memory();
}

/** How many steps of work take so many ms: the best of many tries. */
function stepsIn(ms: number): number {
  const steps = 100_000;
  let best = Infinity;
  for (let i = 0; i < 200; i++) {
    const start = performance.now();
    spin(steps);
    best = Math.min(best, performance.now() - start);
  }
  return Math.round(steps * ms / best);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
