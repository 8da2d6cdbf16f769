import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { chipCount, exact } from "../format/number.ts";
import { visible } from "../format/text.ts";
import { Icon, type IconName, stateIcon, wireIcon } from "../parts/icons.tsx";
import { layout, rem } from "../state/layout.ts";
import { server } from "../state/store.ts";
import { counts } from "./arranged.ts";
import { shownStates, shownWires } from "./choices.ts";
import { isFiltering, toggled } from "./filter.ts";
import { clearFilter, filter, narrow } from "./query.ts";
import { StateSelect, WireSelect } from "./selects.tsx";

/** A toggle for each state and wire; wires become a select for want of room. */
export function Chips() {
  const box = useRef<HTMLDivElement>(null);
  const needed = useSignal(0);
  const room = useSignal(Infinity);
  const { all, states, wires } = counts.value;
  const narrowed = layout.value === "narrow";
  const compact = narrowed || needed.value > room.value;
  const wireList = shownWires.value;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => {
      room.value = element.clientWidth;
      // Once compact, what the chips needed before still decides.
      if (!compact) needed.value = element.scrollWidth;
    };
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    return () => sizes.disconnect();
  }, [compact, wireList.length, rem.value]);

  return (
    <div
      class="chips"
      ref={box}
      role="group"
      aria-label="Filter by state and wire"
    >
      <Chip
        word="All"
        count={all}
        pressed={!isFiltering(filter.value)}
        onClick={clearFilter}
      />
      {narrowed ? <StateSelect /> : shownStates.value.map((state) => (
        <Chip
          key={state}
          word={state}
          icon={stateIcon(state)}
          tone={`state-${state}`}
          count={states.get(state) ?? 0}
          pressed={filter.value.states.includes(state)}
          onClick={() =>
            narrow({ states: toggled(filter.peek().states, state) })}
        />
      ))}
      {!narrowed && wireList.length > 0 && <span class="divider" />}
      {compact ? <WireSelect /> : wireList.map((wire) => (
        <Chip
          key={wire}
          word={visible(wire)}
          icon={wireIcon(wire)}
          tone="wire"
          count={wires.get(wire) ?? 0}
          pressed={filter.value.wires.includes(wire)}
          onClick={() => narrow({ wires: toggled(filter.peek().wires, wire) })}
        />
      ))}
    </div>
  );
}

function Chip({ word, icon, tone = "", count, pressed, onClick }: {
  readonly word: string;
  readonly icon?: IconName;
  readonly tone?: string;
  readonly count: number;
  readonly pressed: boolean;
  readonly onClick: () => void;
}) {
  return (
    <button
      type="button"
      class="chip"
      aria-pressed={pressed}
      title={count >= 1000 ? exact(count) : undefined}
      onClick={onClick}
    >
      {icon && (
        <span class={tone}>
          <Icon name={icon} />
        </span>
      )}
      {word}{" "}
      <span class="chip-count">
        {server.value === null ? "–" : chipCount(count)}
      </span>
    </button>
  );
}
