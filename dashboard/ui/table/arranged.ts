import { batch, computed, effect, signal } from "@preact/signals";
import { now, serverNow } from "../state/clock.ts";
import { layout } from "../state/layout.ts";
import { epoch, prune, revision, rows, takeMoved } from "../state/store.ts";
import { subject } from "../state/view.ts";
import { matcher, tally } from "./filter.ts";
import {
  admit,
  arrange,
  NO_ORDER,
  NOBODY,
  type Order,
  waiting as countWaiting,
} from "./order.ts";
import { filter, sort } from "./query.ts";
import { comparer } from "./sort.ts";

/** Re-sort at most this often, in ms. */
const PACE = 1000;
/** How long after the pointer left the order stays, in ms. */
const LINGER = 600;

/** The ids in the order in which they show. */
export const order = signal<Order>(NO_ORDER);
/** Who is held back while the order is frozen. */
export const waiting = signal(NOBODY);
/** Whether the pointer is over the table. */
export const hovered = signal(false);
/** Whether a row has the focus. */
export const focused = signal(false);

const held = computed(() =>
  hovered.value || focused.value || subject.value !== null
);

/** Chip counts; once a second is often enough, and cheap. */
export const counts = signal(tally([], 0));

let pending = new Set<string>();
let arrangedAt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let thaw: ReturnType<typeof setTimeout> | undefined;
let frozen = false;

/** Sorts everything anew, frozen or not: the user asked, or may not mind. */
export function rearrange(): void {
  clearTimeout(timer);
  timer = undefined;
  takeAll();
  pending.clear();
  arrangedAt = performance.now();
  const at = serverNow();
  batch(() => {
    order.value = arrange(
      rows,
      matcher(filter.peek(), at),
      comparer(sort.peek(), at),
      order.peek(),
    );
    waiting.value = NOBODY;
    count();
  });
}

function takeAll(): void {
  for (const id of takeMoved()) pending.add(id);
}

function count(): void {
  counts.value = tally(rows.values(), serverNow());
}

function rowsChanged(): void {
  takeAll();
  const matches = matcher(filter.peek(), serverNow());
  if (frozen) {
    waiting.value = countWaiting(order.peek(), pending, rows, matches);
    if (pending.size > 0) count();
    return;
  }
  if (pending.size > 0) {
    const compare = comparer(sort.peek(), serverNow());
    order.value = admit(order.peek(), pending, rows, matches, compare);
    pending = new Set();
    count();
  }
  const wait = Math.max(0, arrangedAt + PACE - performance.now());
  timer ??= setTimeout(() => {
    timer = undefined;
    if (!frozen) rearrange();
  }, wait);
}

function freeze(hold: boolean): void {
  clearTimeout(thaw);
  if (hold) {
    frozen = true;
  } else if (frozen) {
    thaw = setTimeout(() => {
      frozen = false;
      rearrange();
    }, LINGER);
  }
}

/** Keeps {@linkcode order} true to rows, filter, sort and the user's hand. */
export function startArranging(): void {
  effect(() => {
    void [filter.value, sort.value, epoch.value, layout.value];
    rearrange();
  });
  effect(() => {
    void revision.value;
    rowsChanged();
  });
  effect(() => freeze(held.value));
  effect(() => {
    // Online turns idle by time alone, without a word from the server.
    void now.value;
    const { live, closed } = order.peek();
    prune(
      serverNow(),
      (id) => frozen && (live.includes(id) || closed.includes(id)),
    );
    count();
  });
}
