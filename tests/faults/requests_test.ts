/** As many requests in progress as may be: the others wait, and none is lost. */

import { assert, assertEquals } from "@std/assert";
import {
  Effects,
  Gate,
  makeClient,
  SignalLog,
  startServer,
  until,
} from "../support/cypher.ts";
import { JournalFolder } from "../support/journal_folder.ts";

const BOTH = ["session", "classic"] as const;

for (
  const [wire, journalled] of [
    ...[["session", false], ["classic", false]] as const,
    // There a handler begins once that is on record.
    ...[["session", true], ["classic", true]] as const,
  ]
) {
  const how = journalled ? ", with a journal" : "";
  Deno.test(`more ${wire} requests than may run wait their turn${how}`, async () => {
    using folder = new JournalFolder();
    const journal = journalled ? { journal: folder.journal } : {};
    const effects = new Effects<number>();
    let running = 0;
    let most = 0;
    await using server = await startServer(async ({ data }) => {
      effects.add(data as number);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      return { data };
    }, { wires: [wire], limits: { requests: 5 }, ...journal });
    using log = new SignalLog(server.monitor);
    const clients = Array.from(
      { length: 20 },
      () => makeClient(server.address, { wire }),
    );
    const asked = clients.flatMap((client, i) =>
      Array.from({ length: 20 }, (_, j) => client.request({ data: 20 * i + j }))
    );
    const answers = await Promise.all(asked);
    assertEquals(
      answers.map(({ data }) => data),
      Array.from({ length: 400 }, (_, i) => i),
    );
    assertEquals(effects.total, 400);
    assertEquals(most, 5);
    assertEquals(log.of("limit")[0]?.limit, "requests");
    assertEquals(log.of("failure"), []);
    await Promise.all(clients.map((one) => one.close()));
  });
}

for (const wire of BOTH) {
  Deno.test(`a ${wire} connection that waits can be closed, and stopped`, async () => {
    const gate = new Gate();
    await using server = await startServer(async () => {
      await gate.passed;
      return {};
    }, { wires: [wire], limits: { requests: 1 } });
    using log = new SignalLog(server.monitor);
    await using first = makeClient(server.address, { wire });
    const running = first.request({});
    await until(
      "it runs",
      () =>
        server.monitor.connections().some(({ inProgress }) => inProgress === 1),
    );
    const second = makeClient(server.address, { wire });
    const waiting = second.request({}).catch(() => "gone");
    await log.wait("limit");
    const { id } = server.monitor.connections().at(-1)!;
    assert(server.monitor.disconnect(id));
    await log.wait("offline");
    await until(
      "it is gone",
      () => server.monitor.connection(id) === undefined,
    );
    await second.close();
    assertEquals(await waiting, "gone");
    gate.open();
    await running;
  });
}

Deno.test("who waits for its turn does not take the server for dead", async () => {
  const heartbeat = 300;
  const gate = new Gate();
  await using server = await startServer(async ({ path }) => {
    if (path === "/HOLD") await gate.passed;
    return {};
  }, { wires: ["session"], heartbeat, limits: { requests: 1 } });
  using log = new SignalLog(server.monitor);
  await using holder = makeClient(server.address, { wire: "session" });
  const held = holder.request({ path: "/HOLD" });
  await log.wait("online");
  await using client = makeClient(server.address, { wire: "session" });
  const signals: string[] = [];
  const watching = (async () => {
    for await (const { kind } of client.signals()) signals.push(kind);
  })();
  const waiting = client.request({});
  await log.wait("limit");
  // Long enough for either end to give the other up several times over.
  const sent = () => server.monitor.connections().at(-1)!.bytesOut;
  const before = sent();
  await until("four pings or so", () => sent() > before + 4 * 35);
  gate.open();
  await Promise.all([held, waiting]);
  assertEquals(log.of("offline"), []);
  await client.close();
  await watching;
  assertEquals(signals, ["online", "offline"]);
});
