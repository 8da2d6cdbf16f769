import { assertEquals } from "@std/assert";
import { interrupted, type Interruption } from "../server/serve/interrupted.ts";
import { run } from "../server/serve/run.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { Program } from "./support/program.ts";

/** What is interrupted here instead of this process. */
function victim() {
  const listeners = new Map<Interruption, () => void>();
  const exits: number[] = [];
  return {
    exits,
    hears: (signal: Interruption) => listeners.get(signal)!(),
    listen: (signal: Interruption, callback: () => void) =>
      void listeners.set(signal, callback),
    exit: (code: number) => void exits.push(code),
  };
}

/** One whose timers are late, as the process is busy. */
class BusyClock extends FakeClock {
  late = 0;

  override now(): number {
    return super.now() + this.late;
  }
}

Deno.test("a Ctrl-C that is told twice is one, a later one forces", async () => {
  const clock = new FakeClock();
  const { hears, exits, ...process } = victim();
  const stopping = interrupted(process, clock);
  hears("SIGINT");
  await stopping;
  // The terminal signals the whole group, and `deno task` passes it on.
  hears("SIGINT");
  assertEquals(exits, []);
  await clock.advance(250);
  hears("SIGINT");
  assertEquals(exits, [130]);
});

Deno.test("a busy process hears it told again late, and goes on", async () => {
  const clock = new BusyClock();
  const { hears, exits, ...process } = victim();
  const stopping = interrupted(process, clock);
  hears("SIGINT");
  await stopping;
  clock.late = 10_000;
  hears("SIGINT");
  assertEquals(exits, []);
  await clock.advance(250);
  hears("SIGINT");
  assertEquals(exits, [130]);
});

Deno.test("a command that is done ends the process itself", async () => {
  const { exits, exit } = victim();
  await run(() => Promise.resolve(), undefined, exit);
  await run(() => Promise.resolve(1), undefined, exit);
  assertEquals(exits, [0, 1]);
});

/** So often that one is likely to come while it is taken down. */
async function tellUntilGone(server: Program): Promise<void> {
  try {
    for (;;) {
      server.kill("SIGINT");
      // What has happened meanwhile is heard of.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  } catch {
    // It is gone.
  }
}

for (const name of ["main", "chat/main", "packet/main", "segment/main"]) {
  Deno.test({
    name: `a Ctrl-C told again does not kill what is ending: ${name}.ts`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const path = new URL(`../server/${name}.ts`, import.meta.url).pathname;
      const flags = name === "main" ? ["--no-dashboard"] : [];
      const cwd = await Deno.makeTempDir();
      try {
        await using server = new Program(
          ["run", "-A", path, "--port", "0", ...flags],
          { cwd },
        );
        await server.prints("isten");
        await tellUntilGone(server);
        // It may have ended itself, by force, if the machine is that busy.
        assertEquals(await server.killer, null, server.errors);
      } finally {
        await Deno.remove(cwd, { recursive: true });
      }
    },
  });
}
