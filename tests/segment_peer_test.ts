import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  CypherError,
  SegmentClient,
  SegmentServer,
  type SegmentServerOptions,
} from "../segment.ts";
import { compiler, type CPeer, CProgram } from "./support/segment_peer.ts";
import { text, Watch } from "./support/segment_watch.ts";

/** One group of tests against the peer in C, which is compiled once for all. */
Deno.test({
  name: "segment peers written in C, version 1",
  ignore: compiler === undefined,
  fn: async (t) => {
    await using program = await CProgram.compile();
    await t.step("their client, our server", clientTests(program));
    await t.step("our client, their server", serverTests(program));
  },
});

interface Ours extends AsyncDisposable {
  server: SegmentServer;
  watch: Watch;
  port: number;
}

async function start(options: SegmentServerOptions = {}): Promise<Ours> {
  const server = new SegmentServer({ port: 0, resendPause: 0, ...options });
  const watch = new Watch(server);
  await server.start();
  return {
    server,
    watch,
    port: server.address.port,
    [Symbol.asyncDispose]: async () => {
      await server.stop({ grace: 0 });
      watch[Symbol.dispose]();
    },
  };
}

function clientTests(program: CProgram) {
  return async (t: Deno.TestContext) => {
    await t.step("handshake and echoes", async () => {
      await using ours = await start();
      const long = "x".repeat(4_083);
      await using peer = program.client(ours.port, [], ["Hello!", "Bye", long]);
      assertStrictEquals(await peer.ended, 0);
      assertEquals(peer.lines, [
        ...["SYN 1", "SYN-ACK 1", "ACK 1", "bufsize 4096"],
        ...["blocks 1", "echo Hello!", "blocks 1", "echo Bye"],
        ...["blocks 1", `echo ${long}`],
      ]);
      await ours.watch.signal("offline");
      assertEquals(ours.watch.steps, [
        "syn-received",
        "syn-ack-sent",
        "ack-received",
        ...["payload-received", "payload-intact"] as const,
        ...["payload-received", "payload-intact"] as const,
        ...["payload-received", "payload-intact"] as const,
      ]);
    });

    // What the client does wrong, and what it then counts.
    const right: [string[], string[]][] = [
      [["bad-syn=3"], ["SYN 4", "SYN-ACK 1", "ACK 1", "blocks 1"]],
      [["ask-syn-ack=3"], ["SYN 1", "SYN-ACK 4", "ACK 1", "blocks 1"]],
      [["bad-ack=3"], ["SYN 1", "SYN-ACK 1", "ACK 4", "blocks 1"]],
      [["ask-arrived=3"], ["SYN 1", "SYN-ACK 1", "ACK 1", "blocks 4"]],
      [["ask-intact=3"], ["SYN 1", "SYN-ACK 1", "ACK 1", "blocks 4"]],
      [
        ["bad-syn=1", "ask-syn-ack=2", "bad-ack=3", "ask-arrived=1"],
        ["SYN 2", "SYN-ACK 3", "ACK 4", "blocks 2"],
      ],
      [
        ["ask-arrived=1", "ask-intact=2"],
        ["SYN 1", "SYN-ACK 1", "ACK 1", "blocks 4"],
      ],
    ];
    for (const [faults, counts] of right) {
      await t.step(`re-sent: ${faults}`, async () => {
        let handled = 0;
        await using ours = await start({
          handler: (message) => (handled++, message),
        });
        await using peer = program.client(ours.port, faults, ["echo me"]);
        assertStrictEquals(await peer.ended, 0);
        const lines = peer.lines.filter((one) => !one.startsWith("bufsize"));
        assertEquals(lines, [...counts, "echo echo me"]);
        assertStrictEquals(handled, 1);
      });
    }

    // What it does wrong too often, and how each side says so.
    const wrong: [string, string, string][] = [
      ["bad-syn=4", "failed SYN", "SYN: its syn is not 1"],
      [
        "ask-syn-ack=4",
        "failed SYN-ACK",
        "SYN-ACK: the peer asks for it again (re-sends made: 3)",
      ],
      ["bad-ack=4", "failed ACK", "ACK: its syn is not 0"],
      [
        "ask-arrived=4",
        "failed DATA",
        "The answer was not settled (re-sends made: 3)",
      ],
      [
        "ask-intact=4",
        "failed DATA",
        "The answer was not settled (re-sends made: 3)",
      ],
    ];
    for (const [fault, theirs, said] of wrong) {
      await t.step(`refused: ${fault}`, async () => {
        await using ours = await start();
        await using peer = program.client(ours.port, [fault], ["echo me"]);
        assertStrictEquals(await peer.ended, 1);
        assertStrictEquals(peer.lines.at(-1), theirs);
        const { watch } = ours;
        await watch.until(() =>
          watch.signals.some((one) =>
            one.kind === "failure" && one.message === said
          )
        );
      });
    }

    await t.step("a smaller block", async () => {
      await using ours = await start({ bufferSize: 100 });
      await using peer = program.client(ours.port, [], ["x".repeat(87)]);
      assertStrictEquals(await peer.ended, 0);
      assertStrictEquals(await peer.line("bufsize"), "100");
      assertStrictEquals(await peer.line("echo"), "x".repeat(87));
    });

    await t.step("three clients at once", async () => {
      await using ours = await start();
      const peers: CPeer[] = [];
      for (const name of ["one", "two", "three"]) {
        const messages = [name, name.repeat(50)];
        peers.push(program.client(ours.port, ["hold=1"], messages));
      }
      await ours.watch.signal("online", 3);
      const states = ours.server.monitor.connections().map(({ wire, state }) =>
        `${wire} ${state.kind}`
      );
      assertEquals(states, Array(3).fill("segment open"));
      // The last to come is the first to speak: nobody waits for anybody.
      for (const peer of peers.reverse()) {
        await peer.goOn();
        assertStrictEquals(await peer.ended, 0);
      }
      const echoes = peers.map(({ lines }) => lines.at(-1));
      assertEquals(echoes, [
        `echo ${"three".repeat(50)}`,
        `echo ${"two".repeat(50)}`,
        `echo ${"one".repeat(50)}`,
      ]);
    });
  };
}

function serverTests(program: CProgram) {
  return async (t: Deno.TestContext) => {
    await t.step("handshake and echoes", async () => {
      await using peer = program.server();
      const steps: string[] = [];
      await using client = new SegmentClient({
        port: Number(await peer.line("port")),
        onStep: (step) => steps.push(step),
      });
      assertStrictEquals(text(await client.send("Hello!")), "Hello!");
      const long = "y".repeat(4_083);
      assertStrictEquals(text(await client.send(long)), long);
      assertEquals(steps, [
        ...["syn-sent", "syn-ack-received", "ack-sent"],
        ...["payload-received", "payload-intact"],
        ...["payload-received", "payload-intact"],
      ]);
      await client.close();
      await peer.line("gone");
    });

    const right: [string[], string[]][] = [
      [["ask-syn=3"], ["SYN 4", "SYN-ACK 1", "ACK 1", "blocks 1"]],
      [["bad-syn-ack=3"], ["SYN 1", "SYN-ACK 4", "ACK 1", "blocks 1"]],
      [["ask-ack=3"], ["SYN 1", "SYN-ACK 1", "ACK 4", "blocks 1"]],
      [["off-by-one=1"], ["SYN 1", "SYN-ACK 1", "ACK 2", "blocks 1"]],
      [["missing=3"], ["SYN 1", "SYN-ACK 1", "ACK 1", "blocks 4"]],
      [["damaged=3"], ["SYN 1", "SYN-ACK 1", "ACK 1", "blocks 4"]],
      [["missing=1", "damaged=2"], [
        "SYN 1",
        "SYN-ACK 1",
        "ACK 1",
        "blocks 4",
      ]],
    ];
    for (const [faults, counts] of right) {
      await t.step(`re-sent: ${faults}`, async () => {
        await using peer = program.server(...faults);
        const port = Number(await peer.line("port"));
        await using client = new SegmentClient({ port, resendPause: 0 });
        assertStrictEquals(text(await client.send("echo me")), "echo me");
        await peer.line("blocks");
        assertEquals(peer.lines.slice(1), counts);
      });
    }

    const wrong: [string, string, string][] = [
      [
        "ask-syn=4",
        "CONNECT_FAILED",
        "SYN: the peer asks for it again (re-sends made: 3)",
      ],
      ["bad-syn-ack=4", "CONNECT_FAILED", "SYN-ACK: its syn is not 1"],
      [
        "ask-ack=4",
        "CONNECT_FAILED",
        "ACK: the peer asks for it again (re-sends made: 3)",
      ],
      ["missing=4", "BAD_MESSAGE", "did not arrive (re-sends allowed: 3)"],
      ["damaged=4", "BAD_MESSAGE", "was damaged (re-sends allowed: 3)"],
    ];
    for (const [fault, code, said] of wrong) {
      await t.step(`refused: ${fault}`, async () => {
        await using peer = program.server(fault);
        const port = Number(await peer.line("port"));
        await using client = new SegmentClient({ port, resendPause: 0 });
        const error = await assertRejects(
          () => client.send("echo me"),
          CypherError,
          said,
        );
        assertStrictEquals(error.code, code);
      });
    }

    await t.step("three clients at once", async () => {
      await using peer = program.server();
      const port = Number(await peer.line("port"));
      const clients = [1, 2, 3].map(() => new SegmentClient({ port }));
      try {
        await Promise.all(clients.map((client) => client.connect()));
        const echoes = clients.reverse().map(async (client, index) =>
          text(await client.send(`echo ${index}`))
        );
        assertEquals(await Promise.all(echoes), ["echo 0", "echo 1", "echo 2"]);
      } finally {
        for (const client of clients) await client.close();
      }
    });

    await t.step("version 2 is refused, with the step", async () => {
      await using peer = program.server();
      const port = Number(await peer.line("port"));
      await using client = new SegmentClient({
        port,
        version: 2,
        resends: 1,
        resendPause: 0,
      });
      const error = await assertRejects(
        () => client.connect(),
        CypherError,
        "SYN: the peer asks for it again (re-sends made: 1)",
      );
      assertStrictEquals(error.code, "CONNECT_FAILED");
    });
  };
}
