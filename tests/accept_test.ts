import { assertEquals } from "@std/assert";
import { CypherServer } from "../mod.ts";
import type { AcceptedConn, Listener } from "../server/listener.ts";
import { serverKeys } from "./support/cypher.ts";
import { FakeClock } from "./support/fake_clock.ts";

/** A listener of which the test decides what each `accept` comes to. */
class Scripted implements Listener {
  readonly addr = { transport: "tcp", hostname: "127.0.0.1", port: 1 } as const;
  #accepting = Promise.withResolvers<AcceptedConn>();

  accept(): Promise<AcceptedConn> {
    this.#accepting = Promise.withResolvers();
    return this.#accepting.promise;
  }

  fail(): void {
    this.#accepting.reject(new Error("Too many open files (os error 24)"));
  }

  bring(): void {
    this.#accepting.resolve({
      remoteAddr: { ...this.addr, port: 2 },
      read: () => Promise.resolve(null),
      write: ({ length }) => Promise.resolve(length),
      closeWrite: () => Promise.resolve(),
      close: () => {},
    });
  }

  close(): void {
    this.#accepting.reject(new Deno.errors.BadResource("closed"));
  }
}

Deno.test("a shortage of descriptors that comes and goes is said once", async () => {
  const clock = new FakeClock();
  const listener = new Scripted();
  const server = new CypherServer({
    ...serverKeys,
    handler: () => ({}),
    listen: () => listener,
    clock,
  });
  const said: string[] = [];
  server.monitor.listen((signal) => {
    if (signal.kind === "limit") said.push(signal.limit);
  });
  await server.start();
  for (let i = 0; i < 10; i++) {
    listener.fail();
    await clock.advance(400);
    listener.bring();
    await clock.advance(400);
  }
  assertEquals(said, ["descriptors"]);
  // A process that stands still tries late: nobody was accepted meanwhile.
  for (let i = 0; i < 2; i++) {
    listener.fail();
    await clock.advance(5_000);
  }
  assertEquals(said, ["descriptors"]);
  listener.bring();
  await clock.advance(1_000);
  listener.fail();
  await clock.advance(400);
  assertEquals(said, ["descriptors", "descriptors"]);
  await server.stop();
});
