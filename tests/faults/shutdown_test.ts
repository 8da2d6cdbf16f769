import { assert, assertEquals, assertRejects } from "@std/assert";
import type { CypherClient } from "../../mod.ts";
import { clientKeys, codeOf, makeClient, within } from "../support/cypher.ts";
import { Program } from "../support/program.ts";

const PROGRAM = new URL("../support/slow_server.ts", import.meta.url).pathname;

/** `deno task serve` with a slow handler, in a process of its own. */
class SlowServer extends Program {
  constructor(...flags: string[]) {
    const free = ["--port", "0", "--http-port", "0"];
    super(["run", "-A", PROGRAM, ...free, ...flags], {
      env: {
        CYPHER_ENCRYPTION_KEY: clientKeys.decryptionKey,
        CYPHER_DECRYPTION_KEY: clientKeys.encryptionKey,
      },
    });
  }

  /** Everything it has printed: JSON objects alone. */
  get lines(): Record<string, unknown>[] {
    const lines = this.output.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  line(event: string): Record<string, unknown> | undefined {
    return this.lines.find((line) => line["event"] === event);
  }

  /** Where it listens. */
  get address(): { hostname: string; port: number } {
    return this.line("listening") as { hostname: string; port: number };
  }

  async ask(path: "healthz" | "readyz"): Promise<number> {
    const answer = await fetch(`${this.line("dashboard")!["url"]}${path}`);
    await answer.body?.cancel();
    return answer.status;
  }

  /** Signals until it ends: what comes too soon is taken for the first's echo. */
  async forced(signal: "SIGINT" | "SIGTERM"): Promise<number> {
    let code: number | undefined;
    const ended = this.ended.then((it) => code = it);
    while (code === undefined) {
      try {
        this.kill(signal);
        await this.ask("healthz");
      } catch {
        // It is about to end.
        await ended;
      }
    }
    return code;
  }

  /** Waits for `/readyz` to say no. */
  async turnsRed(): Promise<void> {
    while (await this.ask("readyz") !== 503);
  }
}

Deno.test({
  name: "SIGTERM with 500 requests in flight: all answered, exit 0",
  // It has no SIGTERM.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using server = new SlowServer();
    await server.prints('"hint"');
    await using stack = new AsyncDisposableStack();
    const clients = (wire: "classic" | "session", count: number) =>
      Array.from(
        { length: count },
        () => stack.use(makeClient(server.address, { wire })),
      );
    // A classic client has one in flight, a session client many.
    const asking = [
      ...clients("classic", 100),
      ...clients("session", 4).flatMap((one) =>
        Array<CypherClient>(100).fill(one)
      ),
    ];
    let answered = 0;
    const answers = Promise.all(asking.map(async (client) => {
      const { data } = await client.request({ path: "/SLOW" });
      answered++;
      return data as number;
    }));
    // Should something else fail before them.
    answers.catch(() => {});
    await server.prints('{"running":500}');
    assertEquals(await server.ask("readyz"), 200);

    server.kill("SIGTERM");
    await within("readyz's no", server.turnsRed());
    assertEquals(await server.ask("healthz"), 200);
    await server.prints('"stopping"');
    await assertRejects(() => Deno.connect(server.address));
    assertEquals(answered, 0);

    server.kill("SIGUSR2");
    const numbers = await within("the answers", answers);
    assertEquals(
      numbers.sort((a, b) => a - b),
      Array.from({ length: 500 }, (_, i) => i + 1),
      "each was executed once",
    );
    assertEquals(await within("its end", server.ended), 0, server.errors);
    assert(server.line("stopped"));
    assert(!server.output.includes("aborted"));
  },
});

Deno.test({
  name: "readyz says no first, while connections are accepted",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using server = new SlowServer("--shutdown-delay", "600000");
    await server.prints('"hint"');
    server.kill("SIGTERM");
    await within("readyz's no", server.turnsRed());
    await using late = makeClient(server.address, { wire: "session" });
    assertEquals((await late.request({ path: "/AT-ONCE" })).data, "here");
    assertEquals(server.line("stopping"), undefined);
    assertEquals(await within("its end", server.forced("SIGTERM")), 143);
  },
});

Deno.test({
  name: "a second Ctrl-C does not wait for the requests",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using server = new SlowServer("--grace", "600000");
    await server.prints('"hint"');
    await using client = makeClient(server.address, { wire: "session" });
    const answer = codeOf(client.request({ path: "/SLOW" }));
    await server.prints('{"running":1}');
    server.kill("SIGINT");
    await server.prints('"stopping"');
    assertEquals(await within("its end", server.forced("SIGINT")), 130);
    await client.close();
    assertEquals(await answer, "CLOSED");
  },
});

for (const wire of ["classic", "session"] as const) {
  Deno.test({
    name: `what takes longer than the grace is aborted, exit 1: ${wire}`,
    ignore: Deno.build.os === "windows",
    async fn() {
      await using server = new SlowServer("--grace", "50");
      await server.prints('"hint"');
      await using client = makeClient(server.address, { wire });
      const answer = codeOf(client.request({ path: "/SLOW" }));
      await server.prints('{"running":1}');
      server.kill("SIGTERM");
      assertEquals(await within("its end", server.ended), 1);
      assert(server.output.includes('{"aborted":1,"code":"CLOSED"}'));
      const { requests, level } = server.line("cut-off")!;
      assertEquals([requests, level], [1, "warn"]);
      await client.close();
      assertEquals(await answer, "CLOSED");
    },
  });
}
