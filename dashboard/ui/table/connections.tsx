import { phone } from "../state/layout.ts";
import { server } from "../state/store.ts";
import { counts, order, rearrange, waiting } from "./arranged.ts";
import { Chips } from "./chips.tsx";
import { Empty, NoMatch } from "./empty.tsx";
import { Grid } from "./grid.tsx";
import { waitingText } from "./order.ts";
import { Picker } from "./picker.tsx";
import { Search } from "./search.tsx";
import { SortSelect, StateSelect, WireSelect } from "./selects.tsx";

/** The connections: who is here, and who just left. */
export function Connections() {
  const { live, closed } = order.value;
  const nothing = live.length + closed.length === 0;
  return (
    <section
      class="connections"
      id="connections"
      aria-labelledby="connections-title"
    >
      <div class="section-head">
        <h2 id="connections-title">Connections</h2>
        <Waiting />
        <Search />
        {!phone.value && <Picker />}
      </div>
      {phone.value
        ? (
          <div class="selects">
            <StateSelect />
            <WireSelect />
            <SortSelect />
          </div>
        )
        : <Chips />}
      <div class="list">
        <Grid />
        {server.value && nothing &&
          (counts.value.all === 0 ? <Empty /> : <NoMatch />)}
      </div>
    </section>
  );
}

/** Who waits while the order is frozen; its place is always there. */
function Waiting() {
  const text = waitingText(waiting.value);
  return (
    <span class="waiting">
      {text && (
        <button type="button" class="button button-small" onClick={rearrange}>
          {text}
        </button>
      )}
    </span>
  );
}
