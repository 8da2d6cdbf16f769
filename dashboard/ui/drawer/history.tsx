import type { Signal } from "../../../server/signals.ts";
import { iso, moment } from "../format/moment.ts";
import { Icon, signalIcon } from "../parts/icons.tsx";
import { signalText } from "../signals/words.ts";
import { now } from "../state/clock.ts";

/** What happened to it, newest first. */
export function History({ signals }: {
  readonly signals: readonly Signal[] | null;
}) {
  return (
    <section aria-labelledby="history-title">
      <h3 id="history-title">History</h3>
      {signals === null
        ? <p class="quiet">–</p>
        : signals.length === 0
        ? <p class="quiet">Nothing yet.</p>
        : (
          <ol class="history">
            {signals.toReversed().map((signal) => (
              <li key={signal.id}>
                <span class={`tone-${signal.kind}`}>
                  <Icon name={signalIcon(signal.kind)} />
                </span>
                <span class="history-text" title={signalText(signal)}>
                  <b>{signal.kind}</b> {signalText(signal)}
                </span>
                <time dateTime={iso(signal.at)} title={iso(signal.at)}>
                  {moment(signal.at, now.value)}
                </time>
              </li>
            ))}
          </ol>
        )}
    </section>
  );
}
