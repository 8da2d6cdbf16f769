/** What holds in a simulated world, and what its requests are like. */

import type { Chance } from "./chance.ts";
import type { Work } from "./session_ledger.ts";

/** What holds in one world. Sizes in bytes. */
export interface Rules {
  /** Whether the server's memory outlives its process. */
  readonly journal: boolean;
  /** Whether the server crashes at moments of the journal's choice. */
  readonly fragile: boolean;
  /** Whether requests may take the server down. */
  readonly fatal: boolean;
  /** Whether the server soon forgets clients that are away. */
  readonly forgetful: boolean;
  /** Whether clients send everything again. */
  readonly resend: boolean;
  /** What the server's answers may take in all. */
  readonly maxBytes: number;
  /** What a client takes. */
  readonly clientBytes: number;
  /** What a server takes: each process takes one of these. */
  readonly serverBytes: readonly number[];
  /** What may wait for a client. */
  readonly writeBufferBytes: number;
  /** How many handlers may run at once. */
  readonly requests: number;
}

/** The rules of a world. */
export function rulesOf(chance: Chance): Rules {
  const journal = chance.of(0.4);
  return {
    journal,
    fragile: journal && chance.of(0.3),
    fatal: chance.of(0.2),
    forgetful: chance.of(0.15),
    resend: chance.of(0.15),
    maxBytes: chance.of(0.2) ? 1_000 : 1_000_000,
    clientBytes: chance.of(0.1) ? 3_000 : 1_000_000,
    serverBytes: chance.of(0.1) ? [3_000, 1_000_000] : [1_000_000],
    writeBufferBytes: chance.of(0.2) ? 1_024 : 1_000_000,
    requests: chance.of(0.2) ? 3 : 65_536,
  };
}

/** A request of that number. */
export function workOf(job: number, { fatal }: Rules, chance: Chance): Work {
  const kills = fatal && chance.of(0.05);
  return {
    job,
    time: chance.of(0.5) ? 0 : chance.upTo(1_500),
    early: chance.of(0.5),
    deaf: chance.of(0.3),
    twice: chance.of(0.1),
    fails: chance.of(0.05),
    fatal: kills ? chance.among(["before", "after"]) : "",
    pad: "x".repeat(chance.among([0, 0, 10, 300, 5_000])),
    answer: chance.among([0, 0, 10, 300, 5_000]),
  };
}
