/**
 * The machine's clock is set while everything runs: by an hour, forward and
 * back. Nothing that waits may end earlier or later for it: the same scene is
 * played on a clock that nobody touches and on ones that jump again and again,
 * and all must have happened at the same times. What is about the time of day
 * itself, the age of a token, is another matter: see the last test.
 */

import { assert, assertEquals } from "@std/assert";
import {
  CypherClient,
  type CypherClientOptions,
  CypherServer,
  type CypherServerOptions,
} from "../../mod.ts";
import { Collector } from "../../dashboard/collector.ts";
import { checkDashboardOptions } from "../../dashboard/options.ts";
import { Sessions } from "../../dashboard/sessions.ts";
import { Throttle } from "../../dashboard/throttle.ts";
import {
  clientKeys,
  randomFrom,
  serverKeys,
  startServer,
  Wire,
} from "../support/cypher.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryNetwork } from "../support/memory_network.ts";

const HOUR = 3_600_000;
/** What the clock is set by, time and again. */
const STEPS: Record<string, readonly number[]> = {
  forward: [HOUR],
  back: [-HOUR],
  "to and fro": [HOUR, -HOUR, -HOUR, HOUR],
};

/** One playing of a scene: what happened, and when. */
class Stage implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork({
    clock: this.clock,
    random: randomFrom(1),
  });
  readonly happened: string[] = [];
  readonly server: CypherServer;
  #steps: readonly number[];
  #clients: CypherClient[] = [];
  #stepped = 0;

  constructor(
    steps: readonly number[],
    options: Partial<CypherServerOptions> = {},
  ) {
    this.#steps = steps;
    this.server = new CypherServer({
      ...serverKeys,
      clock: this.clock,
      listen: this.network.listen,
      handler: ({ path }, { signal }) => {
        if (path === "/NOW") return {};
        signal.addEventListener("abort", () => this.note(`abort of ${path}`));
        return new Promise(() => {});
      },
      ...options,
    });
    this.server.monitor.listen((signal) => {
      const connected = signal.kind === "offline" ? signal.connected : "";
      const reason = "reason" in signal ? signal.reason : "";
      this.note(`server: ${signal.kind} ${reason} ${connected}`);
    });
  }

  note(what: string): void {
    this.happened.push(`${this.clock.now()} ${what}`);
  }

  client(options: Partial<CypherClientOptions> = {}): CypherClient {
    const client = new CypherClient({
      ...clientKeys,
      clock: this.clock,
      dial: this.network.dial,
      random: randomFrom(2),
      onOnline: () => this.note("client: online"),
      onOffline: (reason) => this.note(`client: offline, ${reason}`),
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** Asks, and notes how that ends, under a name. */
  ask(
    client: CypherClient,
    path: string,
    { deadline = Infinity, name = path } = {},
  ): void {
    client.request({ path }, { deadline }).then(
      () => this.note(`${name}: answered`),
      (error) => this.note(`${name}: ${error.code}`),
    );
  }

  /** Lets time go by; somebody sets the clock all the while. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      await this.clock.advance(250);
      const count = this.#steps.length;
      if (count > 0) this.clock.step(this.#steps[this.#stepped++ % count]!);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = [
      ...this.#clients.map((client) => client.close()),
      this.server.stop({ grace: 0 }),
    ];
    await this.clock.advance(5_000);
    await Promise.all(ends);
  }
}

/** A scene, and the ends of lines that must be among what happens in it. */
interface Scene {
  readonly play: (stage: Stage) => Promise<void>;
  readonly server?: Partial<CypherServerOptions>;
  readonly expected: readonly string[];
}

const SCENES: Record<string, Scene> = {
  "classic: no answer within timeout, sent again, then its deadline": {
    play: async (stage) => {
      const client = stage.client({ wire: "classic", timeout: 3_000 });
      stage.ask(client, "/NEVER", { deadline: 20_000 });
      await stage.pass(25_000);
    },
    expected: ["3000 client: offline, timeout", "20000 /NEVER: DEADLINE"],
  },
  "classic: a client that asks nothing, and a handler's deadline": {
    server: { timeout: 5_000, deadline: 2_000 },
    play: async (stage) => {
      stage.ask(stage.client({ wire: "classic" }), "/SLOW");
      await stage.pass(12_000);
    },
    expected: ["2000 abort of /SLOW", "7000 server: timeout  "],
  },
  "session: a peer that falls silent": {
    server: { heartbeat: 2_000 },
    play: async (stage) => {
      const client = stage.client({ wire: "session" });
      stage.ask(client, "/NOW");
      await stage.pass(10_000);
      stage.network.links[0]!.swallow("client");
      stage.network.links[0]!.swallow("server");
      await stage.pass(10_000);
    },
    expected: ["14000 client: offline, unresponsive"],
  },
  "session: a request's deadline, and its handler's": {
    server: { deadline: 4_000 },
    play: async (stage) => {
      const client = stage.client({ wire: "session" });
      stage.ask(client, "/SHORT", { deadline: 1_500 });
      stage.ask(client, "/LONG");
      await stage.pass(6_000);
    },
    expected: ["1500 /SHORT: DEADLINE", "4000 /LONG: STATUS"],
  },
  "session: a handshake that stops": {
    server: { limits: { handshakeTimeout: 3_000 }, wires: ["session"] },
    play: async (stage) => {
      const signal = new AbortController().signal;
      const conn = await Promise.all([
        stage.network.dial({ hostname: "", port: 1 }, signal),
        stage.clock.advance(0),
      ]);
      await conn[0].write(Uint8Array.of(0));
      await stage.pass(6_000);
      stage.note(`${stage.server.monitor.connections().length} connections`);
      conn[0].close();
    },
    expected: ["6000 0 connections"],
  },
  "session: a client that is away for too long is forgotten": {
    server: { answers: { maxAge: 5_000 } },
    play: (stage) => outage(stage, 6_000),
    expected: [" client: online", " /BEFORE: OUTCOME_UNKNOWN"],
  },
  "session: a client that is away for less is known": {
    server: { answers: { maxAge: 5_000 } },
    play: (stage) => outage(stage, 1_000),
    expected: [" client: online", " /BEFORE: answered"],
  },
  "a server that cannot be reached: the pauses between dials": {
    play: async (stage) => {
      stage.network.unreachable = true;
      const client = stage.client({ connectTimeout: 1_000, attempts: 5 });
      stage.ask(client, "/NOW");
      await stage.pass(60_000);
    },
    expected: [" /NOW: CONNECT_FAILED"],
  },
  "a stop's grace": {
    play: async (stage) => {
      stage.ask(stage.client({ wire: "session" }), "/NEVER", {
        deadline: 60_000,
      });
      await stage.pass(1_000);
      stage.server.stop({ grace: 5_000 }).then(() => stage.note("stopped"));
      await stage.pass(10_000);
    },
    expected: ["6000 abort of /NEVER", "6000 stopped"],
  },
};

/** A client cannot be reached for a while, just as it sends something. */
async function outage(stage: Stage, ms: number): Promise<void> {
  const client = stage.client({ wire: "session", connectTimeout: 500 });
  stage.ask(client, "/NOW");
  await stage.pass(1_000);
  stage.network.unreachable = true;
  stage.network.links[0]!.cut();
  stage.ask(client, "/NOW", { name: "/BEFORE" });
  await stage.pass(ms);
  stage.network.unreachable = false;
  await stage.pass(20_000);
}

async function play(
  scene: Scene,
  steps: readonly number[],
): Promise<readonly string[]> {
  await using stage = new Stage(steps, scene.server);
  await stage.server.start();
  await scene.play(stage);
  return [...stage.happened];
}

for (const [name, scene] of Object.entries(SCENES)) {
  Deno.test(`the clock is set: ${name}`, async () => {
    const untouched = await play(scene, []);
    for (const line of scene.expected) {
      const found = untouched.some((one) => one.endsWith(line));
      assert(found, `${line}:\n${untouched.join("\n")}`);
    }
    for (const [direction, steps] of Object.entries(STEPS)) {
      assertEquals(await play(scene, steps), untouched, direction);
    }
  });
}

for (const [direction, steps] of Object.entries(STEPS)) {
  Deno.test(`the clock is set ${direction}: the dashboard's times`, async () => {
    await using stage = new Stage(steps);
    const { clock } = stage;
    const { monitor } = stage.server;
    const { limits } = checkDashboardOptions({});
    const collector = new Collector(monitor, clock, limits);
    const sessions = new Sessions(clock, 10_000, 5);
    const throttle = new Throttle(clock);
    await stage.server.start();
    collector.wantRequests();
    const client = stage.client({ wire: "session" });
    stage.ask(client, "/NOW");
    await stage.pass(1_000);
    const [row] = collector.live();
    const { id } = sessions.start("admin");
    for (let tries = 0; tries < 20; tries++) throttle.wrong("somebody");
    const wait = throttle.wait("somebody");
    await stage.pass(9_000);
    assertEquals(collector.detail(row!.id)!.rate, 1 / 60);
    assert(sessions.find(id), "a session lasts as long as it should");
    assertEquals(throttle.wait("somebody"), Math.max(0, wait - 9_000));
    stage.ask(client, "/NOW");
    await stage.pass(1_000);
    assertEquals(sessions.find(id), undefined, "and no longer");
    await client.close();
    await stage.pass(49_000);
    assertEquals(collector.detail(row!.id)!.rate, 1 / 60);
    assertEquals(collector.closed().length, 1, "the closed stay listed");
    assertEquals(collector.requests.size, 2);
    await stage.pass(300_000);
    assertEquals(collector.closed(), [], "for five minutes");
    collector.close();
  });
}

Deno.test("a token's maxAge is about the time of day: a clock that is set is another time", async () => {
  const clock = new FakeClock({ wall: Date.now() });
  let ran = 0;
  const handler = () => ({ data: ++ran });
  const judged = { clock, maxAge: 60_000 };
  await using server = await startServer(handler, judged);
  await using lenient = await startServer(handler, { clock });
  const send = async (to: CypherServer, token: Uint8Array) => {
    using wire = await Wire.dial(to.address);
    await wire.send(token);
    return await wire.token() !== null;
  };
  using wire = await Wire.dial(server.address);
  const token = await wire.seal({});
  assert(await send(server, token));
  assert(await send(lenient, token));
  for (const step of [HOUR, -2 * HOUR]) {
    clock.step(step);
    assertEquals(await send(server, token), false, "too old, or of the future");
    assert(await send(lenient, token), "nobody judges it");
  }
  // Once the clocks agree it is a repeat as ever.
  clock.step(HOUR);
  assert(await send(server, token));
  assertEquals(ran, 2);
});
