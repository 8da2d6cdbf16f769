import { effect, signal } from "@preact/signals";
import type { ConnectionDetail } from "../../contract.ts";
import { detail as fetchDetail } from "../state/api.ts";
import { link } from "../state/link.ts";
import { now } from "../state/clock.ts";
import { rows } from "../state/store.ts";
import { subject } from "../state/view.ts";

/** What the server told about the drawer's subject; null while unknown. */
export const detail = signal<ConnectionDetail | null>(null);
/** Whether the server no longer knows the subject. */
export const forgotten = signal(false);

/** Keeps {@linkcode detail} up to date while a drawer is open. */
export function followSubject(): () => void {
  let seen: unknown;
  let running: AbortController | undefined;
  const ask = async (id: string) => {
    running?.abort();
    const mine = running = new AbortController();
    const answer = await fetchDetail(id, mine.signal).catch(() => undefined);
    if (mine.signal.aborted || answer === undefined) return;
    detail.value = answer;
    forgotten.value = answer === null;
  };
  const stop = effect(() => {
    const id = subject.value;
    // Once a second, and only if its row is another than at the last look.
    void now.value;
    if (id === null || link.value.kind !== "live") return;
    const row = rows.get(id);
    if (detail.peek()?.connection.id !== id) {
      detail.value = null;
      forgotten.value = false;
    } else if (row === seen) return;
    seen = row;
    void ask(id);
  });
  return () => {
    stop();
    running?.abort();
    detail.value = null;
  };
}
