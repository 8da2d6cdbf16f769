import { Icon } from "../parts/icons.tsx";
import { filter, narrow } from "./query.ts";

/** The text filter. */
export function Search() {
  return (
    <label class="search">
      <Icon name="search" />
      <input
        id="filter"
        type="search"
        placeholder="Name, address or id"
        aria-label="Filter connections by name, address or id"
        autocomplete="off"
        spellcheck={false}
        value={filter.value.text}
        onInput={(event) => narrow({ text: event.currentTarget.value })}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}
