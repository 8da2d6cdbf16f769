import { chipCount } from "../format/number.ts";
import { visible } from "../format/text.ts";
import { Select } from "../parts/select.tsx";
import { counts } from "./arranged.ts";
import { shownStates, shownWires } from "./choices.ts";
import { COLUMNS } from "./columns.ts";
import { filter, narrow, sort } from "./query.ts";
import { nextSort } from "./sort.ts";

/** Stands for a combination that only chips can make. */
const MIXED = ",";

function Filter({ label, words, sums, chosen, choose }: {
  readonly label: string;
  readonly words: readonly string[];
  readonly sums: ReadonlyMap<string, number>;
  readonly chosen: readonly string[];
  readonly choose: (chosen: readonly string[]) => void;
}) {
  const mixed: [string, string][] = chosen.length > 1
    ? [[MIXED, chosen.map(visible).join(", ")]]
    : [];
  return (
    <Select
      label={label}
      value={mixed.length > 0 ? MIXED : chosen[0] ?? ""}
      options={[
        ["", `All ${label.toLowerCase()}s`],
        ...mixed,
        ...words.map((word) =>
          [word, `${visible(word)} ${chipCount(sums.get(word) ?? 0)}`] as const
        ),
      ]}
      choose={(word) => {
        if (word !== MIXED) choose(word ? [word] : []);
      }}
    />
  );
}

/** The state chips as a select. */
export function StateSelect() {
  return (
    <Filter
      label="State"
      words={shownStates.value}
      sums={counts.value.states}
      chosen={filter.value.states}
      choose={(states) => narrow({ states })}
    />
  );
}

/** The wire chips as a select. */
export function WireSelect() {
  return (
    <Filter
      label="Wire"
      words={shownWires.value}
      sums={counts.value.wires}
      chosen={filter.value.wires}
      choose={(wires) => narrow({ wires })}
    />
  );
}

/** The order, where there is no table head to click. */
export function SortSelect() {
  return (
    <Select
      label="Sort by"
      value={sort.value.key}
      options={COLUMNS.map(({ key, title }) =>
        [key, `By ${title.toLowerCase()}`] as const
      )}
      choose={(word) => {
        const column = COLUMNS.find(({ key }) => key === word);
        if (column) sort.value = nextSort(sort.peek(), column.key);
      }}
    />
  );
}
