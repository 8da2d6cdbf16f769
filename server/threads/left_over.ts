import type { AnsweredJson, IdRange } from "../../protocol/answered.ts";
import type { Ending, Handover } from "../session/client_record.ts";
import { UNKNOWN } from "../session/kept_endings.ts";
import type { Entered } from "./ledger.ts";

/** What a thread that died leaves behind of one of its clients. */
export interface LeftOver {
  /** The highest id that was accepted. */
  readonly highest: number;
  /** What runs on other threads, or has ended there and is yet to be told. */
  readonly running: readonly number[];
  /** What is on record. */
  readonly ended: ReadonlyMap<number, Ending>;
  /** What the thread was in the midst of. */
  readonly entered: readonly Entered[];
  /**
   * What was cut off, now or before, and whether it may run again; this is
   * brought up to date.
   */
  readonly cutOff: Map<number, boolean>;
}

/**
 * A client's record when the thread that held it is dead. What is neither on
 * record nor cut off has ended there, and its answer is lost.
 */
export function leftOf(
  { highest, running, ended, entered, cutOff }: LeftOver,
): Handover {
  for (const { id, idempotent } of entered) {
    cutOff.set(id, idempotent);
    highest = Math.max(highest, id);
  }
  for (const id of [...ended.keys(), ...running]) cutOff.delete(id);
  const again = [...cutOff.keys()].filter((id) => cutOff.get(id));
  const unknown = [...cutOff.keys()].filter((id) => !cutOff.get(id));
  return {
    highest,
    finished: allBut([...again, ...running], highest),
    kept: [...ended, ...unknown.map((id) => [id, UNKNOWN] as const)],
    running,
  };
}

/** Every id up to the highest but for some. */
function allBut(some: number[], highest: number): AnsweredJson {
  const gaps = [...some.sort((a, b) => a - b), highest + 1];
  const [floor, ...others] = gaps;
  const ranges: IdRange[] = [];
  let first = floor! + 1;
  for (const gap of others) {
    if (gap > first) ranges.push([first, gap - 1]);
    first = gap + 1;
  }
  return { floor: floor! - 1, ranges };
}
