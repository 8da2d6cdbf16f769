import { assertEquals } from "@std/assert";
import type { ConnectionRow } from "../dashboard/contract.ts";
import { rowSpan } from "../dashboard/ui/parts/span.ts";
import {
  COLUMNS,
  DEFAULT_COLUMNS,
  fit,
  tracks,
} from "../dashboard/ui/table/columns.ts";
import {
  isFiltering,
  matcher,
  NO_FILTER,
  tally,
  toggled,
} from "../dashboard/ui/table/filter.ts";
import {
  fullHeight,
  idAt,
  indexOf,
  rowAt,
  rowTop,
} from "../dashboard/ui/table/geometry.ts";
import { formatHash, parseHash } from "../dashboard/ui/table/hash.ts";
import { idle } from "../dashboard/ui/table/idle.ts";
import { move } from "../dashboard/ui/table/moves.ts";
import {
  admit,
  arrange,
  NO_ORDER,
  waiting,
  waitingText,
} from "../dashboard/ui/table/order.ts";
import {
  comparer,
  DEFAULT_SORT,
  nextSort,
  type Sort,
} from "../dashboard/ui/table/sort.ts";
import { standing } from "../dashboard/ui/table/standing.ts";

const NOW = 1_000_000_000;

function row(id: string, part: Partial<ConnectionRow> = {}): ConnectionRow {
  return {
    id,
    address: `10.0.0.${id}:5000`,
    wire: "session",
    state: { kind: "open" },
    since: NOW - 60_000,
    lastActivity: NOW,
    timeout: 120_000,
    requests: 0,
    failures: 0,
    bytesIn: 0,
    bytesOut: 0,
    inProgress: 0,
    lastLatency: null,
    lastFailure: null,
    ...part,
  };
}

const closed = (id: string, at: number, part: Partial<ConnectionRow> = {}) =>
  row(id, { state: { kind: "closed", reason: "timeout", at }, ...part });

const table = (...rows: ConnectionRow[]) =>
  new Map(rows.map((one) => [one.id, one]));

const all = () => true;

Deno.test("open is idle after ten seconds without traffic", () => {
  assertEquals(standing(row("1"), NOW + 9_999), "online");
  assertEquals(standing(row("1"), NOW + 10_000), "idle");
  assertEquals(standing(row("1", { inProgress: 1 }), NOW + 60_000), "online");
  assertEquals(standing(closed("1", NOW), NOW), "closed");
});

Deno.test("the idle bar fills, warns late, and says so in words", () => {
  const calm = idle(row("1"), NOW + 48_000);
  assertEquals([calm.tone, calm.fill, calm.text], ["calm", 0.4, "48s"]);
  assertEquals(calm.remaining, 72_000);

  const late = idle(row("1"), NOW + 106_000);
  assertEquals([late.tone, late.text, late.clock], ["warn", "14s left", true]);
  assertEquals(
    late.label,
    "idle 1 minute 46 seconds, times out in 14 seconds",
  );
  assertEquals(idle(row("1"), NOW + 96_000).clock, true);
  assertEquals(idle(row("1"), NOW + 130_000).fill, 1);
});

Deno.test("busy, endless and draining connections have bars of their own", () => {
  const busy = idle(row("1", { inProgress: 2 }), NOW);
  assertEquals([busy.tone, busy.text], ["busy", "2 active"]);
  assertEquals(busy.label, "2 requests in progress");

  const endless = idle(row("1", { timeout: null }), NOW + 66_000);
  assertEquals([endless.fill, endless.text], [null, "1m 06s"]);

  const state = { kind: "draining", until: NOW + 5_000 } as const;
  const draining = idle(row("1", { state }), NOW);
  assertEquals([draining.fill, draining.text], [0.5, "5s left"]);
});

Deno.test("the text filter looks at name, address and id", () => {
  const rows = [row("1", { name: "Press-07" }), row("2"), row("37")];
  const ids = (text: string) =>
    rows.filter(matcher({ ...NO_FILTER, text }, NOW)).map(({ id }) => id);
  assertEquals(ids("press"), ["1"]);
  assertEquals(ids("10.0.0.2"), ["2"]);
  assertEquals(ids(" 37 "), ["37"]);
  assertEquals(ids(""), ["1", "2", "37"]);
});

Deno.test("states and wires combine", () => {
  const rows = [
    row("1"),
    row("2", { wire: "chat" }),
    row("3", { lastActivity: NOW - 20_000 }),
  ];
  const filter = { text: "", states: ["online"], wires: ["session"] };
  assertEquals(rows.filter(matcher(filter, NOW)).map(({ id }) => id), ["1"]);
  assertEquals(isFiltering(filter), true);
  assertEquals(isFiltering({ ...NO_FILTER, text: " " }), false);
  assertEquals(toggled(["a", "b"], "a"), ["b"]);
  assertEquals(toggled(["b"], "a"), ["b", "a"]);
  const counts = tally(rows, NOW);
  assertEquals([...counts.states], [["online", 2], ["idle", 1]]);
  assertEquals([...counts.wires], [["session", 2], ["chat", 1]]);
});

Deno.test("the hash keeps filter and order", () => {
  assertEquals(formatHash({ filter: NO_FILTER, sort: DEFAULT_SORT }), "");
  const query = {
    filter: { text: "a b", states: ["online", "idle"], wires: ["chat"] },
    sort: { key: "latency", descending: true } as Sort,
  };
  const hash = formatHash(query);
  assertEquals(hash, "q=a+b&state=online,idle&wire=chat&sort=-latency");
  assertEquals(parseHash(`#${hash}`), query);
  assertEquals(parseHash("#sort=nonsense").sort, DEFAULT_SORT);
});

const sorted = (sort: Sort, ...rows: ConnectionRow[]) =>
  rows.sort(comparer(sort, NOW)).map(({ id }) => id);

Deno.test("by default the longest connected comes first", () => {
  assertEquals(
    sorted(DEFAULT_SORT, row("1"), row("2", { since: NOW - 90_000 })),
    ["2", "1"],
  );
  assertEquals(
    sorted(
      DEFAULT_SORT,
      closed("1", NOW, { since: NOW - 5 }),
      closed("2", NOW - 100, { since: NOW - 200 }),
    ),
    ["2", "1"],
  );
});

Deno.test("unknown values come last in both directions", () => {
  const rows = [
    row("1"),
    row("2", { lastLatency: 1 }),
    row("3", { lastLatency: 9 }),
  ];
  const by = (descending: boolean) =>
    sorted({ key: "latency", descending }, ...rows);
  assertEquals(by(false), ["2", "3", "1"]);
  assertEquals(by(true), ["3", "2", "1"]);
});

Deno.test("addresses sort by number, equal rows by age and id", () => {
  assertEquals(
    sorted({ key: "address", descending: false }, row("10"), row("9")),
    ["9", "10"],
  );
  assertEquals(
    sorted({ key: "requests", descending: true }, row("10"), row("9")),
    ["9", "10"],
  );
});

Deno.test("a click on a head turns the order, or starts with the telling end", () => {
  assertEquals(nextSort(DEFAULT_SORT, "connected").descending, false);
  assertEquals(nextSort(DEFAULT_SORT, "name").descending, false);
  assertEquals(nextSort(DEFAULT_SORT, "requests").descending, true);
  assertEquals(nextSort(DEFAULT_SORT, "idle").descending, true);
});

const compare = comparer(DEFAULT_SORT, NOW);

Deno.test("the live and the closed are sorted alike, apart", () => {
  const rows = table(
    row("1"),
    row("2", { since: NOW - 90_000 }),
    closed("3", NOW - 10),
    closed("4", NOW - 10, { since: NOW - 90_000 }),
  );
  assertEquals(arrange(rows, all, compare, NO_ORDER), {
    live: ["2", "1"],
    closed: ["4", "3"],
  });
});

Deno.test("who comes or leaves is placed at once, the others stay", () => {
  // Not in order by age: as if values had changed since the last sorting.
  const order = { live: ["1", "2"], closed: [] };
  const rows = table(
    closed("1", NOW),
    row("2", { since: NOW - 90_000 }),
    row("3", { since: NOW - 1000 }),
  );
  assertEquals(admit(order, new Set(["1", "3"]), rows, all, compare), {
    live: ["2", "3"],
    closed: ["1"],
  });
  const forgotten = admit(order, new Set(["1"]), table(), all, compare);
  assertEquals(forgotten, { live: ["2"], closed: [] });
});

Deno.test("a frozen order counts who waits", () => {
  const order = { live: ["1", "2"], closed: ["9"] };
  const rows = table(closed("1", NOW), row("2"), row("3"), closed("4", NOW));
  const moved = new Set(["1", "3", "4", "9"]);
  const held = waiting(order, moved, rows, all);
  assertEquals(held, { came: 1, gone: 1 });
  assertEquals(waitingText(held), "1 new, 1 gone");
  assertEquals(waitingText({ came: 3, gone: 0 }), "3 new");
  assertEquals(waitingText({ came: 0, gone: 0 }), "");
});

Deno.test("columns give way from the weakest", () => {
  const keys = (room: number, narrow = false) =>
    fit(DEFAULT_COLUMNS, room, narrow).map(({ key }) => key);
  assertEquals(keys(62.5).length, 11);
  const at1280 = keys(52.5);
  assertEquals(at1280.includes("out") || at1280.includes("in"), false);
  // The narrow frame loses these four and no others.
  const lost = DEFAULT_COLUMNS.filter((key) => !keys(41.5, true).includes(key));
  assertEquals(lost, ["connected", "failures", "in", "out"]);
  assertEquals(keys(0), ["state", "name"]);
});

Deno.test("tracks are fixed but for the name, shared on a wall", () => {
  const some = COLUMNS.slice(0, 2);
  assertEquals(
    tracks(some, false, false),
    "minmax(5.375rem, 5.375rem) minmax(7.75rem, 1fr)",
  );
  assertEquals(
    tracks(some, false, true),
    "minmax(5.375rem, 5.375fr) minmax(7.75rem, 7.75fr)",
  );
});

Deno.test("rows stand below each other, the closed below their head", () => {
  const at = { row: 32, group: 28, live: 3, closed: 2 };
  assertEquals([0, 2, 3, 4].map((i) => rowTop(at, i)), [0, 64, 124, 156]);
  assertEquals(fullHeight(at), 188);
  assertEquals([0, 40, 95, 100, 124, 160].map((y) => rowAt(at, y)), [
    0,
    1,
    2,
    3,
    3,
    4,
  ]);
  const order = { live: ["a", "b"], closed: ["c"] };
  assertEquals([0, 2, 3].map((i) => idAt(order, i)), ["a", "c", undefined]);
  assertEquals(["b", "c", "d"].map((id) => indexOf(order, id)), [1, 2, -1]);
});

Deno.test("only rows in view and ten beyond are drawn", () => {
  assertEquals(rowSpan(0, 320, 32, 10_000), { from: 0, to: 20 });
  assertEquals(rowSpan(3200, 320, 32, 10_000), { from: 90, to: 120 });
  assertEquals(rowSpan(9e9, 320, 32, 5), { from: 5, to: 5 });
});

Deno.test("keys move between the head and the last row", () => {
  assertEquals(move("ArrowDown", -1, 3, 10), 0);
  assertEquals(move("k", 0, 3, 10), -1);
  assertEquals(move("PageDown", 0, 3, 10), 2);
  assertEquals(move("PageUp", 2, 3, 10), 0);
  assertEquals(move("Home", 2, 3, 10), 0);
  assertEquals(move("End", 0, 3, 10), 2);
  assertEquals(move("ArrowDown", -1, 0, 10), -1);
  assertEquals(move("x", 0, 3, 10), null);
});
