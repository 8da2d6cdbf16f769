/** How the benchmarks measure: in rounds, in turns, medians. */
import { type Caller, filler, median } from "./support.ts";

/** What is asked, and how. */
export interface Task {
  readonly title: string;
  /** Characters in the answer. */
  readonly size: number;
  /** Whether the request carries them as well. */
  readonly both: boolean;
  /** Requests in flight: 1 is one at a time. */
  readonly inFlight: number;
}

/** What a contender does when it is its turn. */
export interface Turn extends Pick<Task, "size" | "both" | "inFlight"> {
  /** For how long, in ms. */
  readonly budget: number;
}

/** Somebody who takes part. */
export interface Contender {
  readonly name: string;
  /** Whether it can ask for large answers without large requests. */
  readonly wants: boolean;
  /** Takes a turn; resolves to the calls per second. */
  rate(turn: Turn): Promise<number>;
}

/** The figures of each contender, one for each round. */
export type Figures = Map<string, readonly number[]>;

/**
 * How long each is at work before anything counts, in ms. The engine needs some
 * 10,000 calls to compile what it runs: until then all but the echo are slower.
 * In turns like all the rest: who then rests for seconds, while the others warm
 * up, takes up to half longer again at first (measured: after 3, 6 and 12 s).
 */
const WARM_UP = 1_500;
/** The fewest calls that count, however long they take. */
const FEWEST = 4;

/** Whether a contender can do a task. */
function takesPart({ wants }: Contender, { both }: Task): boolean {
  return both || wants;
}

/**
 * Lets the contenders do a task in turns, each for `budget` ms a round. Gives
 * calls per second.
 */
export async function compare(
  task: Task,
  contenders: readonly Contender[],
  { rounds, budget }: { rounds: number; budget: number },
): Promise<Figures> {
  const taking = contenders.filter((one) => takesPart(one, task));
  const figures = new Map(taking.map(({ name }) => [name, [] as number[]]));
  const { size, both, inFlight } = task;
  const turn = { size, both, inFlight, budget };
  const before = Math.ceil(WARM_UP / budget);
  for (let round = 0; round < before + rounds; round++) {
    // Another order each time: none always follows the same other.
    for (let i = 0; i < taking.length; i++) {
      const { name, rate } = taking[(i + round) % taking.length]!;
      const calls = await rate(turn);
      if (round >= before) figures.get(name)!.push(calls);
    }
  }
  return figures;
}

/**
 * The middle of the rounds' ratios, of rates: what a noisy moment does to one,
 * it does to the other as well.
 */
export function ratio(
  figures: Figures,
  name: string,
  to: string,
): number | undefined {
  const others = figures.get(to);
  const own = figures.get(name);
  if (!own || !others) return undefined;
  return median(own.map((value, i) => value / others[i]!));
}

/** Lets a caller do its turn; resolves to the calls per second. */
export function rateOf(
  caller: Caller,
  { size, both, inFlight, budget }: Turn,
): Promise<number> {
  const call = both
    ? () => caller.echo(filler(size))
    : () => caller.want!(size);
  return inFlight === 1
    ? oneAtATime(call, budget)
    : many(call, inFlight, budget);
}

/** From the median of the times, so that a pause of the machine's is left out. */
async function oneAtATime(
  call: () => Promise<unknown>,
  budget: number,
): Promise<number> {
  const taken: number[] = [];
  const end = performance.now() + budget;
  let now: number;
  do {
    const start = performance.now();
    await call();
    now = performance.now();
    taken.push(now - start);
  } while (now < end || taken.length < FEWEST);
  return 1000 / median(taken);
}

async function many(
  call: () => Promise<unknown>,
  inFlight: number,
  budget: number,
): Promise<number> {
  const start = performance.now();
  let calls = 0;
  const lane = async () => {
    do {
      await call();
      calls++;
    } while (performance.now() < start + budget);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return 1000 * calls / (performance.now() - start);
}
