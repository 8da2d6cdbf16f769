import type { AnsweredJson, IdRange } from "../../protocol/answered.ts";
import type { JournalledClient } from "../journal_load.ts";
import type { Handover } from "../session/client_record.ts";
import { UNKNOWN } from "../session/kept_endings.ts";
import type { Entered } from "./ledger.ts";

/** What a thread that died leaves behind of one of its clients. */
export interface LeftOver {
  /** The highest id that was accepted. */
  readonly highest: number;
  /** What runs on other threads, or has ended there and is yet to be told. */
  readonly running: readonly number[];
  /** What is on record, if there is a journal. */
  readonly record: JournalledClient | undefined;
  /** What the thread was in the midst of. */
  readonly entered: readonly Entered[];
  /**
   * What was cut off, now or before, and whether it may run again; this is
   * brought up to date.
   */
  readonly cutOff: Map<number, boolean>;
}

/**
 * A client's record when the thread that held it is dead. Without a journal,
 * what was not cut off has ended there, and its answer is lost. With one, what
 * is not on record may run: now, or again.
 */
export function leftOf(
  { highest, running, record, entered, cutOff }: LeftOver,
): Handover {
  const ended = record?.ended ?? new Map();
  for (const id of record?.started ?? []) cutOff.set(id, false);
  for (const { id, idempotent } of entered) {
    cutOff.set(id, idempotent);
    highest = Math.max(highest, id);
  }
  for (const id of [...ended.keys(), ...running]) cutOff.delete(id);
  const again = [...cutOff.keys()].filter((id) => cutOff.get(id));
  const unknown = [...cutOff.keys()].filter((id) => !cutOff.get(id));
  // They are told as often as they are asked for.
  if (record) { for (const id of unknown) record.finished.add(id); }
  return {
    highest,
    finished: record?.finished.toJSON() ??
      allBut([...again, ...running], highest),
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
