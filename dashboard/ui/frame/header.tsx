import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { duration } from "../format/duration.ts";
import { iso } from "../format/moment.ts";
import { visible } from "../format/text.ts";
import { useDismiss } from "../parts/dismiss.ts";
import { Icon } from "../parts/icons.tsx";
import { Mark } from "../parts/mark.tsx";
import { now } from "../state/clock.ts";
import { gone } from "../state/link.ts";
import { phone } from "../state/layout.ts";
import { server } from "../state/store.ts";
import { cycleTheme, theme } from "../state/theme.ts";
import { helping } from "../state/view.ts";
import { Alarm } from "./alarm.tsx";
import { Listeners } from "./listeners.tsx";
import { Role } from "./role.tsx";
import { Status } from "./status.tsx";

/** Who serves this, and how the page stands with it. */
export function Header() {
  if (gone.value) return <Alarm />;
  return (
    <header class="header">
      {phone.value ? <Brief /> : (
        <>
          <Mark />
          <h1 class="server-name">{name()}</h1>
          <Facts />
        </>
      )}
      <div class="header-side">
        <Status />
        {!phone.value && <Role />}
        {!phone.value && (
          <button
            type="button"
            class="icon-button"
            aria-label="Keyboard shortcuts"
            title="Keyboard shortcuts (?)"
            onClick={() => helping.value = true}
          >
            <Icon name="keys" />
          </button>
        )}
        <button
          type="button"
          class="icon-button"
          aria-label={`Theme: ${theme.value}`}
          title={`Theme: ${theme.value} (t)`}
          onClick={cycleTheme}
        >
          <Icon name={theme.value} />
        </button>
      </div>
    </header>
  );
}

const name = () => visible(server.value?.name ?? "Cypher");

function Facts() {
  const facts = server.value;
  return (
    <div class="server-facts">
      <span title={facts ? `since ${iso(facts.started)}` : undefined}>
        up {facts ? duration(now.value - facts.started) : "–"}
      </span>
      <Listeners />
      <span class="version">{facts ? `v${visible(facts.version)}` : ""}</span>
    </div>
  );
}

/** On a phone the name opens the rest. */
function Brief() {
  const open = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  useDismiss(root, open.value, () => open.value = false);
  return (
    <div class="brief" ref={root}>
      <h1>
        <button
          type="button"
          class="brief-name"
          aria-expanded={open.value}
          onClick={() => open.value = !open.value}
        >
          <Mark />
          <span class="server-name">{name()}</span>
          <Icon name={open.value ? "sortUp" : "sortDown"} />
        </button>
      </h1>
      {open.value && (
        <div class="menu brief-menu">
          <Facts />
          <Role />
        </div>
      )}
    </div>
  );
}
