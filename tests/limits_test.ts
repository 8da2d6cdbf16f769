/** The parts that the limits are made of, on a clock that is moved by hand. */

import { assert, assertEquals } from "@std/assert";
import { CLIENT_LIMITS } from "../client/options.ts";
import { DASHBOARD_LIMITS } from "../dashboard/options.ts";
import { Monitor } from "../mod.ts";
import { Admission } from "../server/admission.ts";
import { Bans } from "../server/bans.ts";
import { MessageDeadline } from "../server/message_deadline.ts";
import { SERVER_LIMITS } from "../server/options.ts";
import { originOf } from "../server/origin.ts";
import { SignalLog } from "./support/cypher.ts";
import { FakeClock } from "./support/fake_clock.ts";

const KIB = 1_024;

function bans(badTokens: number, banTime = 60_000) {
  const clock = new FakeClock();
  const told: string[] = [];
  const bans = new Bans({
    clock,
    badTokens,
    banTime,
    onBan: (origin, time) => void told.push(`${origin} ${time}`),
  });
  const strike = (origin: string, times: number) => {
    for (let i = 0; i < times; i++) bans.strike(origin);
  };
  return { clock, told, bans, strike };
}

Deno.test("a burst of bad tokens is forgiven, one more is not", async () => {
  const { clock, told, bans: all, strike } = bans(10, 5_000);
  strike("a", 10);
  assert(!all.has("a"));
  strike("a", 1);
  assert(all.has("a") && !all.has("b"));
  strike("a", 100);
  assertEquals(told, ["a 5000"], "told once");
  await clock.advance(4_999);
  assert(all.has("a"));
  await clock.advance(1);
  assert(!all.has("a"));
});

Deno.test("the bans in force are listed, with what is left of each", async () => {
  const { clock, bans: all, strike } = bans(1, 5_000);
  strike("a", 2);
  strike("only struck", 1);
  await clock.advance(2_000);
  strike("b", 2);
  assertEquals([...all.inForce()], [["a", 3_000], ["b", 5_000]]);
  await clock.advance(3_000);
  assertEquals([...all.inForce()], [["b", 2_000]]);
  all.ban("b", 9_000);
  assertEquals([...all.inForce()], [["b", 9_000]]);
});

Deno.test("one bad token now and then is forgiven for ever", async () => {
  const { clock, told, strike } = bans(10);
  for (let i = 0; i < 1_000; i++) {
    strike("a", 1);
    await clock.advance(6_000);
  }
  assertEquals(told, []);
  for (let i = 0; i < 30; i++) {
    strike("a", 1);
    await clock.advance(4_000);
  }
  assertEquals(told, ["a 60000"]);
});

Deno.test("Infinity bans nobody by itself; others can still tell of a ban", () => {
  const { told, bans: all, strike } = bans(Infinity);
  strike("a", 10_000);
  assert(!all.has("a"));
  all.ban("a", 1_000);
  assert(all.has("a"));
  assertEquals(told, [], "or two servers would tell each other for ever");
});

Deno.test("however many addresses, so many are remembered", () => {
  const { bans: all } = bans(1);
  for (let i = 0; i < 100_000; i++) {
    all.strike(`address ${i}`);
    all.ban(`banned ${i}`, 60_000);
  }
  assertEquals(all.size, 2 * 65_536);
  // The oldest are forgotten, the newest are not.
  assert(!all.has("banned 0") && all.has("banned 99999"));
  all.strike("address 0");
  all.strike("address 99999");
  assert(!all.has("address 0") && all.has("address 99999"));
});

Deno.test("whom an address stands for", () => {
  const cases: [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:DB8:0:0:5:6:7:8", "2001:db8:0:0::/64"],
    ["2001:0db8:0000:0000::2", "2001:db8:0:0::/64"],
    ["2001:db8:1:2:3::", "2001:db8:1:2::/64"],
    ["2001:db8:0:1::1", "2001:db8:0:1::/64"],
    ["::1", "::1"],
    ["1::2:3:4:5:6", "1:0:0:2::/64"],
    ["fe80::1:2", "fe80::1:2"],
  ];
  for (const [address, origin] of cases) {
    assertEquals(originOf(address), origin, address);
  }
});

Deno.test("connections are counted by origin, and given back", () => {
  const admission = new Admission({
    clock: new FakeClock(),
    connections: 3,
    connectionsPerAddress: 2,
    badTokens: 1,
    banTime: 1_000,
  });
  admission.enter("a");
  admission.enter("a");
  assertEquals(admission.refusal("a"), "connectionsPerAddress");
  assertEquals(admission.refusal("b"), undefined);
  admission.enter("b");
  assertEquals(admission.refusal("c"), "connections");
  admission.leave("a");
  assertEquals(admission.refusal("a"), undefined);
  admission.bans.strike("a");
  admission.bans.strike("a");
  assertEquals(admission.refusal("a"), "badTokens");
});

function deadline() {
  const clock = new FakeClock();
  let expired: number | undefined;
  const message = new MessageDeadline(
    clock,
    {
      timeout: SERVER_LIMITS.messageTimeout.default,
      rate: SERVER_LIMITS.messageRate.default,
    },
    () => expired = clock.now(),
  );
  return { clock, message, expired: () => expired };
}

Deno.test("8 MiB at 64 KiB/s arrive, however long that takes", async () => {
  const { clock, message, expired } = deadline();
  for (let second = 0; second < 128; second++) {
    message.wait();
    await clock.advance(1_000);
    message.came(64 * KIB);
    message.left(second < 127, false);
  }
  message.wait();
  await clock.advance(3_600_000);
  assertEquals(expired(), undefined);
  message.stop();
  assertEquals(clock.pending, 0);
});

Deno.test("one byte a second does not push the deadline out", async () => {
  const { clock, message, expired } = deadline();
  while (expired() === undefined) {
    message.wait();
    await clock.advance(1_000);
    message.came(1);
    message.left(true, false);
  }
  assert(expired()! < 10_000, `it took ${expired()} ms`);
});

Deno.test("time in which nobody reads is not the sender's", async () => {
  const { clock, message, expired } = deadline();
  for (let i = 0; i < 100; i++) {
    message.wait();
    await clock.advance(10);
    message.came(1);
    message.left(true, false);
    await clock.advance(60_000);
  }
  assertEquals(expired(), undefined);
});

Deno.test("each message has its own time", async () => {
  const { clock, message, expired } = deadline();
  for (let i = 0; i < 100; i++) {
    message.wait();
    await clock.advance(4_000);
    message.came(10);
    message.left(true, true);
  }
  assertEquals(expired(), undefined);
  message.wait();
  await clock.advance(6_000);
  assert(expired());
});

Deno.test("a limit is told once a second, with how often it was hit", async () => {
  const clock = new FakeClock();
  const monitor = new Monitor({ clock });
  using log = new SignalLog(monitor);
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 1_000; i++) monitor.limit("connections");
    monitor.limit("badTokens");
    await clock.advance(1_000);
  }
  assertEquals(
    log.of("limit").map(({ limit, count }) => `${limit} ${count}`),
    [
      "connections 1",
      "badTokens 1",
      "connections 1000",
      "badTokens 1",
      "connections 1000",
      "badTokens 1",
    ],
  );
});

Deno.test("the README's table of limits is that of the code", async () => {
  const readme = await Deno.readTextFile(
    new URL("../README.md", import.meta.url),
  );
  const section = readme.split(/^## /m).find((one) =>
    one.startsWith("Limits")
  )!;
  const rows = new Map<string, number>();
  for (const line of section.split("\n")) {
    const [, names = "", defaults = ""] = line.split("|");
    const owner = /^ (client|dashboard) /.exec(names)?.[1] ?? "server";
    const values = defaults.trim().split(", ");
    Array.from(
      names.matchAll(/`limits\.(\w+)`/g),
      ([, name], i) =>
        rows.set(`${owner} ${name}`, Number(values[i]?.replaceAll(",", ""))),
    );
  }
  const groups = {
    server: SERVER_LIMITS,
    client: CLIENT_LIMITS,
    dashboard: DASHBOARD_LIMITS,
  };
  const expected = Object.entries(groups).flatMap(([owner, limits]) =>
    Object.entries(limits).map(([name, option]) =>
      [`${owner} ${name}`, option.default] as [string, number]
    )
  );
  assertEquals([...rows].sort(), expected.sort());
});
