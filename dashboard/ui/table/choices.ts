import { computed } from "@preact/signals";
import { listeners } from "../state/store.ts";
import { counts } from "./arranged.ts";
import { filter } from "./query.ts";
import { STANDINGS } from "./standing.ts";

/** The states that have a chip: the rare ones only while there are any. */
export const shownStates = computed(() =>
  STANDINGS.filter((state) =>
    state !== "handshake" || counts.value.states.has(state) ||
    filter.value.states.includes(state)
  )
);

/** The wires that are listened on, then those only seen. */
export const shownWires = computed(() => [
  ...new Set([
    ...listeners.value.flatMap((one) => one.wires),
    ...counts.value.wires.keys(),
    ...filter.value.wires,
  ]),
]);
