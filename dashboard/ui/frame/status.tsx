import { idleTime } from "../format/duration.ts";
import { Icon, type IconName } from "../parts/icons.tsx";
import { now } from "../state/clock.ts";
import { link } from "../state/link.ts";
import { listeners } from "../state/store.ts";

/** How the page stands with the server, and whether that is leaving. */
export function Status() {
  const { kind } = link.value;
  const until = listeners.value.find(({ state }) => state === "draining")
    ?.until;
  const draining = listeners.value.some(({ state }) => state === "draining");
  if (kind === "connecting") {
    return <Badge icon="idle" tone="waiting" text="Connecting…" />;
  }
  if (kind !== "live") {
    return <Badge icon="idle" tone="waiting" text="Reconnecting…" />;
  }
  if (draining) {
    const left = until === undefined
      ? ""
      : `, ${
        idleTime(Math.ceil(Math.max(0, until - now.value) / 1000) * 1000)
      } left`;
    return <Badge icon="draining" tone="draining" text={`Draining${left}`} />;
  }
  return <Badge icon="online" tone="live" text="Live" />;
}

function Badge({ icon, tone, text }: {
  readonly icon: IconName;
  readonly tone: string;
  readonly text: string;
}) {
  return (
    <span class={`status status-${tone}`} role="status">
      <Icon name={icon} />
      <span>{text}</span>
    </span>
  );
}
