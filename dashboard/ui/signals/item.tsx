import type { Signal } from "../../../server/signals.ts";
import { iso, moment } from "../format/moment.ts";
import { peer } from "../format/text.ts";
import { Icon, signalIcon } from "../parts/icons.tsx";
import { now } from "../state/clock.ts";
import { say } from "../state/toast.ts";
import { signalText } from "./words.ts";

/** One signal, in two lines; of those about no connection all, once pressed. */
export function SignalItem({ signal, top, position, size, open }: {
  readonly signal: Signal;
  readonly top: number;
  readonly position: number;
  readonly size: number;
  readonly open: (id: string) => void;
}) {
  const { connection, kind, at } = signal;
  const text = signalText(signal);
  const about = connection
    ? (
      <>
        <b dir="auto">{peer(signal)}</b> <span>{kind}</span>
      </>
    )
    : <b>{kind}</b>;
  return (
    <li
      class="signal"
      data-signal={signal.id}
      data-kind={kind}
      aria-posinset={position}
      aria-setsize={size}
      style={{ transform: `translateY(${top}px)` }}
    >
      <button
        type="button"
        tabIndex={-1}
        onClick={() => connection ? open(connection) : say(text)}
      >
        <span class={`tone-${kind}`}>
          <Icon name={signalIcon(kind)} />
        </span>
        <span class="signal-peer">{about}</span>
        <time dateTime={iso(at)} title={iso(at)}>{moment(at, now.value)}</time>
        <span class="signal-text" title={text}>{text}</span>
      </button>
    </li>
  );
}
