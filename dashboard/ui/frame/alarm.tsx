import { useEffect, useState } from "preact/hooks";
import { moment } from "../format/moment.ts";
import { Icon } from "../parts/icons.tsx";
import { runningNow } from "../state/clock.ts";
import { link } from "../state/link.ts";
import { server } from "../state/store.ts";
import { retryNow } from "../state/stream.ts";

/** The header while the server is gone: what shows is old, and says so. */
export function Alarm() {
  const at = link.value;
  const [, step] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => step((n) => n + 1), 250);
    return () => clearInterval(timer);
  }, []);
  if (at.kind !== "gone") return null;
  const seconds = Math.ceil((at.retryAt - performance.now()) / 1000);
  return (
    <header class="header header-alarm">
      <h1 class="offscreen">{server.value?.name}</h1>
      <Icon name="failure" />
      <p class="alarm-text">
        <span role="alert">
          <strong>Server unreachable</strong>{" "}
          <span>
            Showing the last view, from {moment(at.seen, runningNow())}.
          </span>
        </span>{" "}
        <span class="alarm-retry">
          {seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again…"}
        </span>
      </p>
      <button type="button" class="button button-on-alarm" onClick={retryNow}>
        Try now
      </button>
    </header>
  );
}
