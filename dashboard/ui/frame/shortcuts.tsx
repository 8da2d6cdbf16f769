import { Dialog } from "../parts/dialog.tsx";
import { singleKeys } from "../state/keys.ts";
import { helping } from "../state/view.ts";

const KEYS: readonly (readonly [readonly string[], string])[] = [
  [["/"], "Filter connections"],
  [["↑", "↓", "j", "k"], "Row up or down"],
  [["Home", "End", "PgUp", "PgDn"], "First, last, a page"],
  [["Enter"], "Open the drawer"],
  [["Esc"], "Close, then clear the filter"],
  [["Delete"], "Disconnect…"],
  [["p"], "Pause or resume the signals"],
  [["t"], "Theme: auto, light, dark"],
  [["g c"], "Go to the connections"],
  [["g s"], "Go to the signals"],
  [["?"], "This list"],
];

const close = () => helping.value = false;

/** The list of keys, and the switch that turns the single ones off. */
export function Shortcuts() {
  if (!helping.value) return null;
  return (
    <Dialog label="Keyboard shortcuts" close={close}>
      <h2>Keyboard shortcuts</h2>
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => <kbd key={key}>{key}</kbd>)}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label class="option">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => singleKeys.value = event.currentTarget.checked}
        />
        <span>Single letters and signs act as shortcuts</span>
      </label>
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={close}>Close</button>
      </div>
    </Dialog>
  );
}
