import { chipCount } from "../format/number.ts";
import { Icon, type IconName } from "../parts/icons.tsx";
import { type Tab, tab } from "../state/layout.ts";
import { figures } from "../state/store.ts";

const TABS: readonly (readonly [Tab, string, IconName])[] = [
  ["overview", "Overview", "overview"],
  ["connections", "Connections", "list"],
  ["signals", "Signals", "up"],
];

/** A phone's three views. */
export function Tabs() {
  const n = figures.value?.connections;
  return (
    <nav class="tabs" aria-label="Views">
      {TABS.map(([key, title, icon]) => (
        <button
          key={key}
          type="button"
          aria-current={tab.value === key ? "page" : undefined}
          onClick={() => {
            tab.value = key;
            scrollTo(0, 0);
          }}
        >
          <Icon name={icon} />
          <span>
            {title}
            {key === "connections" && n !== undefined && ` ${chipCount(n)}`}
          </span>
        </button>
      ))}
    </nav>
  );
}
