/**
 * A handler that takes a millisecond of processor time: a fixed amount of work,
 * found when the thread starts, as two threads that only watched the clock could
 * burn the same millisecond of one core.
 */

/** Rounds of work in a millisecond, at this machine's best. */
const ROUNDS = calibrate();

export default function burn(): { data: number } {
  return { data: work(ROUNDS) };
}

function work(rounds: number): number {
  let state = 1;
  for (let i = 0; i < rounds; i++) state = Math.imul(state, 1_664_525) + i | 0;
  return state;
}

function calibrate(): number {
  const rounds = 200_000;
  let best = Infinity;
  for (let i = 0; i < 200; i++) {
    const start = performance.now();
    work(rounds);
    best = Math.min(best, performance.now() - start);
  }
  return Math.round(rounds / best);
}
