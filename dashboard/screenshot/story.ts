import type { Monitor } from "../../server/monitor.ts";
import {
  CAST,
  type Character,
  DAY,
  FAILURES,
  HOUR,
  LEFT,
  MINUTE,
  SECOND,
} from "./cast.ts";
import type { StoryClock } from "./clock.ts";

/** When the picture is taken. */
const END = Date.UTC(2026, 2, 14, 14, 32, 8);
/** Where its charts begin. */
const START = END - 15 * MINUTE;
/** When the server was started. */
export const BEGINNING = END - 6 * DAY - 4 * HOUR;

type Peer = Character & { readonly id: string };
type Leaver = (typeof LEFT)[number];

/** What happens until the picture is taken, in the order it is told. */
export class Story {
  #monitor: Monitor;
  #clock: StoryClock;
  #random: () => number;
  #events: { readonly at: number; readonly tell: () => void }[] = [];
  #peers = new Map<string, Peer>();

  constructor(monitor: Monitor, clock: StoryClock, random: () => number) {
    this.#monitor = monitor;
    this.#clock = clock;
    this.#random = random;
    for (const character of CAST) this.#live(character, END);
    for (const leaver of LEFT) this.#live(leaver, END - leaver.ago, leaver);
    for (const failure of FAILURES) this.#fail(...failure);
  }

  /** Plays it. */
  play(): void {
    for (
      const [hostname, port, wires] of [
        ["10.0.4.2", 12_345, ["session", "classic"]],
        ["10.0.4.2", 5_000, ["packet"]],
        ["10.0.4.2", 1_337, ["chat"]],
      ] as const
    ) {
      this.#monitor.addListener(
        () => ({ hostname, port, wires, state: "listening" }),
      );
    }
    this.#events.sort((a, b) => a.at - b.at);
    for (const { at, tell } of this.#events) {
      this.#clock.set(at);
      tell();
    }
    this.#clock.set(END);
  }

  #at(at: number, tell: () => void): void {
    this.#events.push({ at, tell });
  }

  #live(character: Character, end: number, leaver?: Leaver): void {
    const monitor = this.#monitor;
    const peer: Peer = { ...character, id: monitor.nextId() };
    this.#peers.set(character.name ?? character.address, peer);
    const watched = {
      id: peer.id,
      info: () => infoOf(peer, this.#clock),
      close: () => {},
    };
    this.#at(END - peer.since, () => {
      monitor.add(watched);
      monitor.publish({ kind: "online", ...about(peer) });
    });
    this.#request(peer, end);
    if (!leaver) return;
    this.#at(end, () => {
      this.#leave(peer, leaver);
      monitor.remove(watched);
    });
  }

  /** Quiet spells and busy ones, so that the charts have something to show. */
  #request(peer: Peer, end: number): void {
    const phase = this.#random() * 6;
    let at = Math.max(START, END - peer.since);
    while (peer.rate > 0 && at < end) {
      const pace = peer.rate * (1 + 0.3 * Math.sin(at / 47_000 + phase));
      at += -Math.log(1 - this.#random()) / pace * SECOND;
      if (at >= end) return;
      const skewed = Math.exp(0.5 * this.#gauss()) *
        (this.#random() < 0.02 ? 12 : 1);
      this.#at(at, () =>
        this.#monitor.publish({
          kind: "request",
          ...about(peer),
          path: "/SENSOR",
          operation: "UPDATE",
          status: "OK",
          latency: peer.latency * skewed,
          bytesIn: 1_100,
          bytesOut: 1_150,
          repeated: false,
        }));
    }
  }

  #leave(peer: Peer, { reason, ago }: Leaver): void {
    const monitor = this.#monitor;
    if (reason === "timeout") {
      monitor.publish({ kind: "timeout", ...about(peer), after: 120_000 });
    } else if (reason === "bad-token") {
      const message = "A token did not open";
      monitor.publish(
        { kind: "failure", ...about(peer), code: "BAD_TOKEN", message },
      );
    }
    monitor.publish({
      kind: "offline",
      ...about(peer),
      reason,
      connected: peer.since - ago,
      requests: peer.requests,
      inProgress: 0,
    });
  }

  #fail(...[ago, who, code, operation, path]: (typeof FAILURES)[number]): void {
    const peer = this.#peers.get(who)!;
    this.#at(END - ago, () =>
      this.#monitor.publish({
        kind: "failure",
        ...about(peer),
        code,
        message: code,
        operation,
        path,
      }));
  }

  /** About normally distributed, around 0. */
  #gauss(): number {
    let sum = -3;
    for (let i = 0; i < 6; i++) sum += this.#random();
    return sum * Math.SQRT2;
  }
}

function about({ id, address, name, wire }: Peer) {
  return { connection: id, address, name, wire };
}

function infoOf(peer: Peer, clock: StoryClock) {
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
