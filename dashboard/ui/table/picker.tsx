import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Icon } from "../parts/icons.tsx";
import { useDismiss } from "../parts/dismiss.ts";
import { COLUMNS, DEFAULT_COLUMNS } from "./columns.ts";
import { chosen, columns } from "./query.ts";

/** Which columns show. */
export function Picker() {
  const open = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  useDismiss(root, open.value, () => open.value = false);
  return (
    <div class="picker" ref={root}>
      <button
        type="button"
        class="button"
        aria-expanded={open.value}
        aria-controls="columns"
        onClick={() => open.value = !open.value}
      >
        <Icon name="columns" />
        Columns
      </button>
      {open.value && <Menu />}
    </div>
  );
}

function Menu() {
  return (
    <fieldset class="menu" id="columns">
      <legend class="offscreen">Columns</legend>
      {COLUMNS.map((column) => {
        const { key, title, locked } = column;
        const on = locked || chosen.value.includes(key);
        const note = on && !columns.value.includes(column)
          ? "no room"
          : locked
          ? "always"
          : "";
        return (
          <label key={key} class="option">
            <input
              type="checkbox"
              checked={on}
              disabled={locked}
              onChange={(event) => {
                const rest = chosen.peek().filter((one) => one !== key);
                chosen.value = event.currentTarget.checked
                  ? [...rest, key]
                  : rest;
              }}
            />
            <span>{title}</span>
            <small>{note}</small>
          </label>
        );
      })}
      <button
        type="button"
        class="button"
        onClick={() => chosen.value = DEFAULT_COLUMNS}
      >
        Reset
      </button>
    </fieldset>
  );
}
