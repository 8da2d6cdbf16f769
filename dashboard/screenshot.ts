/**
 * `deno task screenshot`: takes the README's picture of the page, of a quarter
 * of an hour that never happened and is always the same.
 *
 * @module
 */
import { crc32, deflateSync, inflateSync } from "node:zlib";
import { type Clock, systemClock, type Timer } from "../protocol/clock.ts";
import { Monitor } from "../server/monitor.ts";
import type { NewSignal, OfflineReason } from "../server/signals.ts";
import { launchBrowser } from "../tests/support/browser.ts";
import { concat, seeded } from "../tests/support/cypher.ts";
import { serveDashboard } from "./serve.ts";

const OUTPUT = new URL("./screenshot.png", import.meta.url);
/** What the picture may weigh. */
const LIMIT = 200 * 1024;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** When the picture is taken. */
const END = Date.UTC(2026, 2, 14, 14, 32, 8);
const START = END - 15 * MINUTE;

/** A clock that is set by hand, then runs. */
class StoryClock implements Clock {
  #wall = END - 6 * DAY - 4 * HOUR;
  #running: number | undefined;

  set(wall: number): void {
    this.#wall = wall;
  }

  run(): void {
    this.#running = performance.now();
  }

  wall(): number {
    return this.#running === undefined
      ? this.#wall
      : this.#wall + Math.floor(performance.now() - this.#running);
  }

  now(): number {
    return this.wall();
  }

  setTimeout(callback: () => void, after: number): Timer {
    return systemClock.setTimeout(callback, after);
  }

  clearTimeout(timer: Timer): void {
    systemClock.clearTimeout(timer);
  }
}

interface Character {
  readonly name?: string;
  readonly address: string;
  readonly wire: string;
  /** How long it has been there at the end, in ms. */
  readonly since: number;
  /** Requests per second. */
  readonly rate: number;
  /** Its usual latency in ms. */
  readonly latency: number;
  readonly requests: number;
  readonly failures: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** For how long it has been silent at the end, in ms. */
  readonly idle?: number;
  readonly timeout?: number;
  readonly active?: number;
}

// deno-fmt-ignore
const CAST: readonly Character[] = [
  { name: "cnc-mill-a", address: "10.0.4.21:40112", wire: "session", since: 6 * DAY + 4 * HOUR, rate: 62, latency: 0.38, requests: 1_904_377, failures: 12, bytesIn: 812e6, bytesOut: 2.41e9 },
  { name: "plc-line-4", address: "10.0.4.40:33018", wire: "packet", since: DAY + 7 * HOUR, rate: 48, latency: 0.42, requests: 402_118, failures: 0, bytesIn: 96.4e6, bytesOut: 31e6, timeout: 60_000 },
  { name: "scale-west", address: "10.0.4.33:58820", wire: "classic", since: 3 * HOUR + 2 * MINUTE, rate: 21, latency: 1.1, requests: 21_940, failures: 0, bytesIn: 5.13e6, bytesOut: 6.02e6, timeout: 120_000 },
  { name: "press-07", address: "10.0.4.17:51544", wire: "session", since: 2 * HOUR + 14 * MINUTE, rate: 40, latency: 0.41, requests: 48_201, failures: 3, bytesIn: 14.2e6, bytesOut: 61.8e6, active: 2 },
  { name: "dock-cam-3", address: "10.0.4.61:39984", wire: "classic", since: HOUR + 51 * MINUTE, rate: 0, latency: 0.52, requests: 8_455, failures: 0, bytesIn: 2.21e6, bytesOut: 640e3, idle: 21_000, timeout: 120_000 },
  { name: "hvac-roof", address: "10.0.6.4:51002", wire: "classic", since: HOUR + 20 * MINUTE, rate: 0, latency: 1.9, requests: 160, failures: 2, bytesIn: 41.6e3, bytesOut: 58.2e3, idle: 105_000, timeout: 120_000 },
  { address: "10.0.4.52:44210", wire: "classic", since: 31 * MINUTE, rate: 0, latency: 1.4, requests: 62, failures: 0, bytesIn: 16.1e3, bytesOut: 22.5e3, idle: 48_000, timeout: 120_000 },
  { name: "agv-11", address: "10.0.5.11:49731", wire: "session", since: 4 * MINUTE + 10 * SECOND, rate: 13, latency: 2.6, requests: 3_110, failures: 41, bytesIn: 2.9e6, bytesOut: 7.75e6 },
  { name: "grace", address: "10.0.7.14:60418", wire: "chat", since: MINUTE + 27 * SECOND, rate: 0, latency: 0.31, requests: 27, failures: 1, bytesIn: 2.2e3, bytesOut: 48e3, idle: 33_000, timeout: 300_000 },
  { name: "ada", address: "10.0.7.9:60122", wire: "chat", since: 2 * SECOND, rate: 0, latency: 0.29, requests: 3, failures: 0, bytesIn: 214, bytesOut: 1_120, idle: 1_000, timeout: 300_000 },
];

/** Who has left, how long before the end, in ms. */
// deno-fmt-ignore
const LEFT: readonly (Character & { readonly ago: number; readonly reason: OfflineReason })[] = [
  { name: "line-2-probe", address: "10.0.4.90:41200", wire: "session", since: 15 * MINUTE, ago: 9 * MINUTE, reason: "peer-closed", rate: 6, latency: 0.6, requests: 2_160, failures: 0, bytesIn: 1e6, bytesOut: 1e6 },
  { name: "line-3-probe", address: "10.0.4.91:41201", wire: "session", since: 11 * MINUTE, ago: 8 * MINUTE, reason: "peer-reset", rate: 6, latency: 0.6, requests: 1_010, failures: 0, bytesIn: 1e6, bytesOut: 1e6 },
  { address: "10.0.9.200:41876", wire: "classic", since: 2 * MINUTE + 55 * SECOND, ago: 2 * MINUTE + 54 * SECOND, reason: "bad-token", rate: 0, latency: 0, requests: 0, failures: 1, bytesIn: 140, bytesOut: 0 },
  { name: "agv-09", address: "10.0.5.9:49102", wire: "session", since: 14 * MINUTE, ago: 66 * SECOND, reason: "peer-reset", rate: 9, latency: 1.2, requests: 7_022, failures: 4, bytesIn: 4.7e6, bytesOut: 12.3e6 },
  { name: "label-printer", address: "10.0.4.71:50190", wire: "classic", since: 14 * MINUTE, ago: 12 * SECOND, reason: "timeout", rate: 0, latency: 2, requests: 88, failures: 0, bytesIn: 22.9e3, bytesOut: 31.7e3, timeout: 120_000 },
];

/** Failures before the end: how long, in ms, whose, and what. */
const FAILURES: readonly (readonly [number, string, string, string, string])[] =
  [
    [13 * MINUTE, "press-07", "DEADLINE", "READ", "/FORCE"],
    [8 * MINUTE + 20_000, "agv-09", "HANDLER_FAILED", "UPDATE", "/ROUTE"],
    [8 * MINUTE, "agv-09", "HANDLER_FAILED", "UPDATE", "/ROUTE"],
    [3 * MINUTE + 48_000, "hvac-roof", "DEADLINE", "READ", "/FANS"],
    [2 * MINUTE, "agv-11", "NOT_FOUND", "READ", "/DOCK/9"],
    [24_000, "agv-11", "HANDLER_FAILED", "UPDATE", "/ROUTE"],
  ];

Deno.env.set("CYPHER_SEED", "7");
const { random } = seeded();
const clock = new StoryClock();
const monitor = new Monitor({ clock });
await using sidecar = serveDashboard(monitor, {
  name: "plant-gateway",
  port: 0,
  clock,
});
for (
  const [hostname, port, wires] of [
    ["10.0.4.2", 12_345, ["session", "classic"]],
    ["10.0.4.2", 5_000, ["packet"]],
    ["10.0.4.2", 1_337, ["chat"]],
  ] as const
) monitor.addListener(() => ({ hostname, port, wires, state: "listening" }));

const story: { at: number; tell: () => void }[] = [];
const ids = new Map<string, Character & { id: string }>();
const base = ({ id, address, name, wire }: Character & { id: string }) => ({
  connection: id,
  address,
  name,
  wire,
});

for (const character of [...CAST, ...LEFT]) {
  const peer = { ...character, id: monitor.nextId() };
  ids.set(character.name ?? character.address, peer);
  const gone = LEFT.find(({ address }) => address === character.address);
  const end = gone ? END - gone.ago : END;
  const watched = {
    id: peer.id,
    info: () => info(peer),
    close: () => {},
  };
  story.push({
    at: END - peer.since,
    tell: () => {
      monitor.add(watched);
      monitor.publish({ kind: "online", ...base(peer) });
    },
  });
  // Quiet spells and busy ones, so that the charts have something to show.
  const phase = random() * 6;
  let at = Math.max(START, END - peer.since);
  while (peer.rate > 0 && at < end) {
    const pace = peer.rate * (1 + 0.3 * Math.sin(at / 47_000 + phase));
    at += -Math.log(1 - random()) / pace * SECOND;
    if (at < end) story.push({ at, tell: requested(peer) });
  }
  if (!gone) continue;
  story.push({
    at: end,
    tell: () => {
      if (gone.reason === "timeout") {
        monitor.publish({ kind: "timeout", ...base(peer), after: 120_000 });
      } else if (gone.reason === "bad-token") {
        const message = "A token did not open";
        monitor.publish(
          { kind: "failure", ...base(peer), code: "BAD_TOKEN", message },
        );
      }
      monitor.publish({
        kind: "offline",
        ...base(peer),
        reason: gone.reason,
        connected: peer.since - gone.ago,
        requests: peer.requests,
        inProgress: 0,
      });
      monitor.remove(watched);
    },
  });
}
for (const [ago, who, code, operation, path] of FAILURES) {
  const peer = ids.get(who)!;
  const signal: NewSignal = {
    kind: "failure",
    ...base(peer),
    code,
    message: code,
    operation,
    path,
  };
  story.push({ at: END - ago, tell: () => monitor.publish(signal) });
}

story.sort((a, b) => a.at - b.at);
for (const { at, tell } of story) {
  clock.set(at);
  tell();
}
clock.set(END);

// Coloured edges of letters suit one screen alone, and weigh a lot.
const browser = await launchBrowser("--disable-lcd-text");
const page = await browser.newPage({
  viewport: { width: 1440, height: 900 },
  colorScheme: Deno.args.includes("--dark") ? "dark" : "light",
  timezoneId: "UTC",
});
await page.goto(sidecar.url);
clock.run();
await page.locator(".status-live").waitFor();
await page.locator("[data-id]").nth(CAST.length).waitFor();
await page.locator(".uplot").last().waitFor();
// The bars set out a moment after their rows are there.
await page.waitForFunction(() => document.getAnimations().length > 0);
const picture = packed(await page.screenshot());
await browser.close();
if (picture.length > LIMIT) {
  throw new Error(`The picture weighs ${picture.length} bytes, over ${LIMIT}`);
}
await Deno.writeFile(OUTPUT, picture);

/**
 * The same picture, compressed as well as it goes: browsers hurry, and filter
 * lines in a way that suits photographs.
 */
function packed(png: Uint8Array): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  const data: Uint8Array[] = [];
  let header = 8;
  for (let at = 8; at < png.length;) {
    const size = view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (type === "IHDR") header = at + 12 + size;
    if (type === "IDAT") data.push(png.subarray(at + 8, at + 8 + size));
    at += 12 + size;
  }
  const [width, height, channels] = [
    view.getUint32(16),
    view.getUint32(20),
    png[25] === 6 ? 4 : 3,
  ];
  const lines = unfiltered(
    new Uint8Array(inflateSync(concat(data))),
    width * channels,
    height,
    channels,
  );
  return concat([
    png.subarray(0, header),
    chunk("IDAT", deflateSync(lines, { level: 9, memLevel: 9 })),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** Undoes the filters of PNG's lines, in place (PNG specification, 9.2). */
function unfiltered(
  lines: Uint8Array<ArrayBuffer>,
  width: number,
  height: number,
  step: number,
): Uint8Array<ArrayBuffer> {
  const zero = new Uint8Array(width);
  let above = zero;
  for (let y = 0; y < height; y++) {
    const start = y * (width + 1);
    const filter = lines[start]!;
    lines[start] = 0;
    const line = lines.subarray(start + 1, start + 1 + width);
    for (let x = 0; x < width; x++) {
      const a = x < step ? 0 : line[x - step]!;
      const b = above[x]!;
      const c = x < step ? 0 : above[x - step]!;
      line[x]! += [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter]!;
    }
    above = line;
  }
  return lines;
}

function paeth(a: number, b: number, c: number): number {
  const [toA, toB, toC] = [
    Math.abs(b - c),
    Math.abs(a - c),
    Math.abs(a + b - 2 * c),
  ];
  return toA <= toB && toA <= toC ? a : toB <= toC ? b : c;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = concat([new TextEncoder().encode(type), data]);
  const whole = new Uint8Array(body.length + 8);
  const view = new DataView(whole.buffer);
  view.setUint32(0, data.length);
  whole.set(body, 4);
  view.setUint32(4 + body.length, crc32(body));
  return whole;
}

function requested(peer: Character & { id: string }): () => void {
  const skewed = Math.exp(0.5 * gauss()) * (random() < 0.02 ? 12 : 1);
  const latency = peer.latency * skewed;
  return () =>
    monitor.publish({
      kind: "request",
      ...base(peer),
      path: "/SENSOR",
      operation: "UPDATE",
      status: "OK",
      latency,
      bytesIn: 1_100,
      bytesOut: 1_150,
      repeated: false,
    });
}

/** About normally distributed, around 0. */
function gauss(): number {
  let sum = -3;
  for (let i = 0; i < 6; i++) sum += random();
  return sum * Math.SQRT2;
}

function info(peer: Character & { id: string }) {
  const { id, address, name, wire, requests, failures, bytesIn, bytesOut } =
    peer;
  return {
    id,
    address,
    name,
    wire,
    state: { kind: "open" as const },
    since: END - peer.since,
    lastActivity: peer.idle === undefined ? clock.wall() : END - peer.idle,
    timeout: peer.timeout ?? Infinity,
    requests,
    failures,
    bytesIn,
    bytesOut,
    inProgress: peer.active ?? 0,
    lastLatency: peer.latency || null,
  };
}
