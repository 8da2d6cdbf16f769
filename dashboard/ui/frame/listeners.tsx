import { visible } from "../format/text.ts";
import { Icon, wireIcon } from "../parts/icons.tsx";
import { listeners } from "../state/store.ts";

/** Where the server listens; a host that repeats is left out. */
export function Listeners() {
  let before = "";
  return (
    <ul class="listeners" aria-label="Listeners">
      {listeners.value.map(({ hostname, port, wires, state }) => {
        const host = hostname === before ? "" : visible(hostname);
        before = hostname;
        return (
          <li
            key={`${hostname}:${port}`}
            title={`${hostname}:${port}, ${state}`}
          >
            <span>{host}:{port}</span>
            {wires.map((wire) => (
              <span key={wire} class="pair wire">
                <Icon name={wireIcon(wire)} />
                <span>{visible(wire)}</span>
              </span>
            ))}
          </li>
        );
      })}
    </ul>
  );
}
