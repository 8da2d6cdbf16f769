import { addressOf } from "../../../protocol/address.ts";
import { visible } from "../format/text.ts";
import { Copy } from "../parts/copy.tsx";
import { listeners, server } from "../state/store.ts";
import { clearFilter } from "./query.ts";

const COMMANDS = [
  "deno task ping -n 1000",
  "deno task request UPDATE /NUMBER 42",
];
/** Where the commands look for a server by themselves. */
const USUAL_PORT = 12_345;

/** Nobody has come yet: says what to do. */
export function Empty() {
  const at = listeners.value.find(({ state }) => state === "listening");
  const name = visible(server.value?.name ?? "The server");
  if (!at) {
    return (
      <div class="empty">
        <h3>No connections</h3>
        <p>{name} is not listening: nobody can connect.</p>
      </div>
    );
  }
  const where = visible(addressOf(at));
  const flag = at.port !== USUAL_PORT ? ` --port ${at.port}` : "";
  return (
    <div class="empty">
      <h3>No connections yet</h3>
      <p>
        {name} is listening on {where}{" "}
        and ready. Run one of these in the project folder; this page fills by
        itself.
      </p>
      <ul class="commands">
        {COMMANDS.map((task) => task + flag).map((command) => (
          <li key={command}>
            <code>
              {command.split(" ").flatMap((word, i) => [
                i > 0 && " ",
                // Else a line may end between two dashes.
                <span key={i}>{word}</span>,
              ])}
            </code>
            <Copy text={command} label={`Copy ${command}`} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The filters let nobody through. */
export function NoMatch() {
  return (
    <div class="empty">
      <p>No connection matches these filters.</p>
      <button type="button" class="button" onClick={clearFilter}>
        Clear filters
      </button>
    </div>
  );
}
