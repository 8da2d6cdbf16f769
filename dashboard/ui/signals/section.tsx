import { exact } from "../format/number.ts";
import { Icon, signalIcon } from "../parts/icons.tsx";
import { phone } from "../state/layout.ts";
import { subject } from "../state/view.ts";
import { heldCount } from "./hold.ts";
import { SignalList } from "./list.tsx";
import {
  announced,
  dropped,
  held,
  kinds,
  leftOut,
  paused,
  resume,
  scrolled,
  togglePause,
} from "./log.ts";
import { KINDS } from "./words.ts";

/** The live stream of what happened. */
export function Signals() {
  return (
    <section
      class="signals"
      id="signals"
      aria-labelledby="signals-title"
      // The drawer lies over it; the keys must not lead behind.
      inert={subject.value !== null}
    >
      <div class="section-head">
        <h2 id="signals-title">Signals</h2>
        <Hold />
      </div>
      <div class="chips" role="group" aria-label="Kinds of signals">
        {KINDS.map((kind) => {
          const on = kinds.value.includes(kind);
          return (
            <button
              key={kind}
              type="button"
              class="chip chip-kind"
              aria-pressed={on}
              title={kind === "request" && leftOut.value > 0
                ? `${exact(leftOut.value)} more were too many to show`
                : undefined}
              onClick={() =>
                kinds.value = KINDS.filter((one) =>
                  kinds.peek().includes(one) !== (one === kind)
                )}
            >
              <span class={`tone-${kind}`}>
                <Icon name={signalIcon(kind)} />
              </span>
              <span class="chip-word">{kind}</span>
            </button>
          );
        })}
      </div>
      <SignalList />
      <p class="offscreen" role="status">{announced.value}</p>
    </section>
  );
}

/** Pause; held back, what it takes to see the rest. */
function Hold() {
  const n = held.value;
  const text = heldCount(n, dropped.value);
  if (paused.value) {
    return (
      <button type="button" class="button button-filled" onClick={resume}>
        <Icon name="play" />
        {n > 0 ? `Resume, ${text} held` : "Resume"}
      </button>
    );
  }
  if (n > 0) {
    return (
      <button
        type="button"
        class="button"
        onClick={() => {
          if (phone.peek()) scrollTo(0, 0);
          document.querySelector("#signals-log")?.scrollTo(0, 0);
          scrolled.value = false;
          resume();
        }}
      >
        <Icon name="up" />
        {`Show ${text} new`}
      </button>
    );
  }
  return (
    <button type="button" class="button" onClick={togglePause}>
      <Icon name="pause" />
      Pause
    </button>
  );
}
