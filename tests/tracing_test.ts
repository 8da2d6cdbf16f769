import { assert, assertEquals, assertThrows } from "@std/assert";
import { CypherError, type JsonValue, type Tracing } from "../mod.ts";
import { openTelemetry } from "../tracing.ts";
import {
  codeOf,
  Gate,
  makeClient,
  serverKeys,
  startServer,
  until,
  within,
} from "./support/cypher.ts";
import { FaultProxy } from "./support/fault_proxy.ts";
import { JournalFolder } from "./support/journal_folder.ts";
import { Program } from "./support/program.ts";
import {
  type CollectedSpan,
  TraceCollector,
} from "./support/trace_collector.ts";
import type { Asked, Standing } from "./support/traced_peer.ts";

const PEER = new URL("./support/traced_peer.ts", import.meta.url).pathname;
const WIRES = ["classic", "session"] as const;
const [SERVER, CLIENT] = [2, 3];

/** A traced peer: a process that Deno exports the spans of. */
async function startPeer(
  collector: TraceCollector,
  ...args: string[]
): Promise<Program> {
  const program = new Program(["run", "-A", PEER, ...args], {
    env: collector.environment,
  });
  await within("what a peer says", program.prints("\n"));
  return program;
}

for (const wire of WIRES) {
  Deno.test(`a request is one trace on both sides: ${wire}`, async () => {
    await using collector = new TraceCollector();
    await using server = await startPeer(collector, "server");
    const { port } = JSON.parse(server.output);
    await using client = await startPeer(
      collector,
      ...["client", String(port), wire],
    );
    assertEquals(await client.ended, 0, client.errors);
    const { caller, outcomes }: Asked = JSON.parse(client.output);

    const [standing, withOwn, own, mine, ...codes] = outcomes;
    for (const one of [standing, withOwn]) {
      const { before, after } = one as Record<string, Standing>;
      assertEquals(before, after, "the handler's span stays active");
      assertEquals(before!.traceId, caller.traceId);
      const serving = await collector.find(
        "the server's span",
        ({ spanId }) => spanId === before!.spanId,
      );
      const asking = await collector.find(
        "the client's span",
        ({ spanId }) => spanId === serving.parentSpanId,
      );
      assertEquals(asking.parentSpanId, caller.spanId);
      assertEquals([serving.kind, asking.kind], [SERVER, CLIENT]);
      assertEquals([serving.name, asking.name], ["READ", "READ"]);
      assertEquals(asking.attributes, {
        "rpc.system.name": "cypher",
        "rpc.method": "READ",
        "cypher.path": "/STANDING",
        "server.address": "127.0.0.1",
        "server.port": port,
        "rpc.response.status_code": "OK",
      });
      const { "client.port": from, ...rest } = serving.attributes;
      assert(Number(from) > 0);
      assertEquals(rest, {
        "rpc.system.name": "cypher",
        "rpc.method": "READ",
        "cypher.path": "/STANDING",
        "client.address": "127.0.0.1",
        "rpc.response.status_code": "OK",
      });
    }
    const { traceparent, ...others } = own as Record<string, JsonValue>;
    assert(String(traceparent).includes(caller.traceId));
    assertEquals(others, { own: 1 });
    assertEquals(mine, { traceparent: "mine" }, "the caller's own key stays");

    assertEquals(codes, ["STATUS", "STATUS", "UNSENDABLE"]);
    const find = (path: string, kind: number) =>
      collector.find(
        path,
        (span) => span.attributes["cypher.path"] === path && span.kind === kind,
      );
    const facts = ({ status, attributes }: CollectedSpan) => [
      status.code,
      attributes["rpc.response.status_code"],
      attributes["error.type"],
    ];
    const failed = [2, "HANDLER_FAILED", "HANDLER_FAILED"];
    assertEquals(facts(await find("/THROWS", CLIENT)), failed);
    assertEquals(facts(await find("/THROWS", SERVER)), failed);
    assertEquals(
      facts(await find("/REFUSES", CLIENT)),
      [2, "NOT_FOUND", "NOT_FOUND"],
    );
    const chosen = await find("/REFUSES", SERVER);
    assert(chosen.status.code !== 2, "what a handler chose is no error there");
    assertEquals(facts(chosen).slice(1), ["NOT_FOUND", undefined]);
    assertEquals(
      facts(await find("/NOTHING", CLIENT)),
      [2, undefined, "UNSENDABLE"],
    );
    assert(!JSON.stringify(collector.spans).includes("a-secret"));
  });
}

Deno.test("deno task serve --tracing needs no more permissions", async () => {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("../deno.json", import.meta.url)),
  );
  const command: string[] = tasks.serve.command.split(" ").slice(1, -1);
  const main = new URL("../server/main.ts", import.meta.url).pathname;
  const flags = ["--tracing", "--port", "0", "--no-dashboard"];
  await using collector = new TraceCollector();
  await using server = new Program([...command, main, ...flags], {
    env: {
      ...collector.environment,
      CYPHER_ENCRYPTION_KEY: serverKeys.encryptionKey,
      CYPHER_DECRYPTION_KEY: serverKeys.decryptionKey,
    },
  });
  await server.prints('"hint"');
  const [line] = server.output.split("\n");
  await using client = makeClient(JSON.parse(line!));
  await client.request({ path: "/NUMBER", operation: "READ" });
  server.kill("SIGINT");
  assertEquals(await within("its end", server.ended), 0);
  const { attributes } = await collector.find(
    "its span",
    ({ name }) => name === "READ",
  );
  assertEquals(attributes["cypher.path"], "/NUMBER");
});

/** What somebody may write into METADATA to confuse a server that traces. */
const HOSTILE: readonly JsonValue[] = [
  null,
  7,
  [],
  { toString: "00-" },
  "",
  "00",
  `00-${"0".repeat(32)}-${"0".repeat(16)}-01`,
  `ff-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  `00-${"A".repeat(32)}-${"B".repeat(16)}-01`,
  `00-${"g".repeat(32)}-${"h".repeat(16)}-zz`,
  `00-${"a".repeat(32)}-${"b".repeat(16)}-01\u0000`,
  "😀".repeat(55),
  "a=b,".repeat(2_000),
  "0".repeat(1_000_000),
];

Deno.test("hostile trace contexts do no harm", async () => {
  await using collector = new TraceCollector();
  await using server = await startPeer(collector, "server");
  const { port } = JSON.parse(server.output);
  for (const wire of WIRES) {
    await using client = makeClient({ hostname: "127.0.0.1", port }, { wire });
    for (const value of HOSTILE) {
      const metadata = {
        traceparent: value,
        tracestate: value,
        baggage: value,
        constructor: value,
        ["__proto__"]: value,
      };
      const { data } = await client.request({ path: "/STANDING", metadata });
      const { before } = data as unknown as Record<string, Standing>;
      assert(before, "it has a span of its own");
      const echo = await client.request({ path: "/METADATA", metadata });
      assertEquals(JSON.stringify(echo.data), JSON.stringify(metadata));
    }
    // A tracestate alone is as much as one that nobody can read.
    const tracestate = `${"k=v,".repeat(40)}k=v`;
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const { data } = await client.request({
      path: "/STANDING",
      metadata: { traceparent, tracestate },
    });
    const { before } = data as unknown as Record<string, Standing>;
    assertEquals(before!.traceId, "a".repeat(32), "a good one is followed");
  }
  assertEquals(server.errors, "");
});

Deno.test("nobody traces unless asked to, and nothing is sent along", async () => {
  const seen: JsonValue[] = [];
  const handler = ({ metadata }: { metadata: JsonValue }) => {
    seen.push(metadata);
    return {};
  };
  await using server = await startServer(handler, {
    wires: ["classic", "session"],
    tracing: openTelemetry(),
  });
  for (const wire of WIRES) {
    await using silent = makeClient(server.address, { wire });
    await silent.request({ path: "/A" });
    await silent.request({ path: "/A", metadata: { own: 1 } });
    // Without OTEL_DENO=true and without an SDK there is nothing to send.
    await using traced = makeClient(server.address, {
      wire,
      tracing: openTelemetry(),
    });
    await traced.request({ path: "/A" });
  }
  assertEquals(seen, [{}, { own: 1 }, {}, {}, { own: 1 }, {}]);
});

/** Counts what it is asked to follow. */
class Counted implements Tracing {
  clients = 0;
  servers = 0;
  resent = 0;

  client: Tracing["client"] = (request, _server, send) => {
    this.clients++;
    return send(request, () => this.resent++);
  };

  server: Tracing["server"] = (_request, _peer, run) => {
    this.servers++;
    return run();
  };
}

for (const wire of WIRES) {
  Deno.test(`a request that is sent again is traced once: ${wire}`, async () => {
    const tracing = new Counted();
    const gate = new Gate();
    await using server = await startServer(async () => {
      await gate.passed;
      return { data: "done" };
    }, { wires: [wire], tracing });
    await using proxy = FaultProxy.start(server.address);
    await using client = makeClient(proxy.address, { wire, tracing });
    const asking = client.request({ path: "/SLOW" });
    await until("a request", () => tracing.servers === 1);
    assertEquals(tracing.resent, 0);
    proxy.cutAll();
    await until("the same again", () => tracing.resent === 1);
    gate.open();
    assertEquals((await asking).data, "done");
    assertEquals({ ...tracing, client: 0, server: 0 }, {
      client: 0,
      server: 0,
      clients: 1,
      servers: 1,
      resent: 1,
    });
  });
}

Deno.test("what is wrong with the options is told", async () => {
  const wrong = assertThrows(
    () =>
      makeClient({ hostname: "127.0.0.1", port: 1 }, {
        tracing: true as unknown as Tracing,
      }),
    CypherError,
    "openTelemetry()",
  );
  assertEquals(wrong.code, "BAD_OPTION");
  assertEquals(
    await codeOf(startServer(() => ({}), { tracing: {} as Tracing })),
    "BAD_OPTION",
  );
});

Deno.test("who does not trace does not load the package that does", async () => {
  const info = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL("../mod.ts", import.meta.url).pathname],
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(info.stdout));
  assert(modules.length > 50);
  assert(!JSON.stringify(modules).includes("opentelemetry"));
});

const broken: Record<string, Tracing["server"]> = {
  "throws at once": () => {
    throw new Error("the exporter is down");
  },
  "throws after the handler": (_request, _peer, run) => {
    run();
    throw new Error("the exporter is down");
  },
  "rejects after the handler": async (_request, _peer, run) => {
    await run();
    throw new Error("the exporter is down");
  },
};
for (const [how, trace] of Object.entries(broken)) {
  for (const wire of WIRES) {
    for (const journalled of [false, true]) {
      const name = journalled ? `${wire}, with a journal` : wire;
      Deno.test(`a tracing that ${how} costs no answer: ${name}`, async () => {
        using folder = new JournalFolder();
        const errors: string[] = [];
        let runs = 0;
        await using server = await startServer(async ({ data }) => {
          runs++;
          await Promise.resolve();
          return { data };
        }, {
          wires: [wire],
          ...(journalled && { journal: folder.journal }),
          tracing: {
            client: (request, _, send) => send(request, () => {}),
            server: trace,
          },
          onHandlerError: (error) => errors.push(`${error}`),
        });
        await using client = makeClient(server.address, { wire });
        assertEquals((await client.request({ data: 1 })).data, 1);
        assertEquals((await client.request({ data: 2 })).data, 2);
        assertEquals(runs, 2);
        assertEquals(errors, Array(2).fill("Error: the exporter is down"));
      });
    }
  }
}
