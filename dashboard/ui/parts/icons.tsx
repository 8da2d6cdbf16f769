/**
 * Every glyph of the page, drawn on 16 by 16 with lines of 1.5: a path to
 * stroke, and where there is one a path to fill as well.
 */
const SHAPES = {
  // States are round.
  online: ["", "M3 8a5 5 0 1 0 10 0a5 5 0 1 0-10 0"],
  idle: [ring(4.25)],
  draining: [ring(4.25), "M3.75 8a4.25 4.25 0 0 0 8.5 0z"],
  handshake: [ring(4.25)],
  closed: ["m4 4 8 8m0-8-8 8"],
  // Wires are angular.
  session: ["M8 3 13 8 8 13 3 8z", "M8 3 13 8 8 13 3 8z"],
  classic: ["M8 3 13 8 8 13 3 8z"],
  packet: ["M3 3h10v10H3zm0 3.25h10"],
  segment: ["M4 3v10m4-10v10m4-10v10"],
  chat: ["M2.75 3.25h10.5v7.5H7.5L5 13.5v-2.75H2.75z"],
  wire: ["M3.5 3.5h9v9h-9z"],
  // Signals are arrows and symbols.
  up: ["M8 13V3.5M4 7.25 8 3.25l4 4"],
  down: ["M8 3v9.5M4 8.75l4 4 4-4"],
  timeout: [`${ring(5.5)}M8 4.75V8l2.25 1.5`],
  failure: ["M8 2.5 14 13H2zM8 6.5v3m0 1.25v.5"],
  request: ["M2.5 5.5h10m-3-3 3 3-3 3m4 2h-10"],
  limit: ["M2.5 8h11M5 4.5v7m6-7v7"],
  notice: ["M8 7.25v4.5M8 4v1"],
  // Controls.
  search: [
    "M3.25 7a3.75 3.75 0 1 0 7.5 0a3.75 3.75 0 1 0-7.5 0m6.75 3 3.5 3.5",
  ],
  columns: ["M2.5 3.5h11v9h-11zm3.75 0v9m3.5-9v9"],
  pause: ["M5.75 4v8m4.5-8v8"],
  play: ["", "M5 3.5v9l7-4.5z"],
  keys: [
    "M1.75 4h12.5v8H1.75zM4 6.5h.5m2.25 0h.5m2.25 0h.5m1.75 0h.5M5 9.5h6",
  ],
  auto: [ring(5.25), "M8 2.75a5.25 5.25 0 0 1 0 10.5z"],
  light: [
    `${
      ring(2.75)
    }M8 1.5v1.75m0 9.5v1.75M1.5 8h1.75m9.5 0h1.75M3.4 3.4l1.25 1.25m6.7 6.7 1.25 1.25m0-9.2-1.25 1.25m-6.7 6.7L3.4 12.6`,
  ],
  dark: ["M13 9.5A5.5 5.5 0 0 1 6.5 3 5.25 5.25 0 1 0 13 9.5z"],
  copy: ["M5.5 5.5h7.75v7.75H5.5zm-2 0h-.75V2.75h7.75v.75"],
  check: ["m3 8.5 3.25 3.25L13 5"],
  sortDown: ["", "M4 5.75h8L8 11z"],
  sortUp: ["", "M4 10.25h8L8 5z"],
  overview: ["M2.5 12.5 6 7.5l3 2.5 4.5-6.5"],
  list: ["M2.5 4h11m-11 4h11m-11 4h11"],
} satisfies Record<string, readonly [string, string?]>;

export type IconName = keyof typeof SHAPES;

function ring(radius: number): string {
  const turn = `a${radius} ${radius} 0 1 0`;
  return `M${8 - radius} 8${turn} ${2 * radius} 0${turn}${-2 * radius} 0`;
}

/** A glyph; decorative, the word beside it says the same. */
export function Icon({ name }: { readonly name: IconName }) {
  const [line, area]: readonly [string, string?] = SHAPES[name];
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true">
      {line && <path class="line" d={line} />}
      {area && <path class="area" d={area} />}
    </svg>
  );
}

const has = (name: string): name is IconName => Object.hasOwn(SHAPES, name);
const STATES = ["online", "idle", "draining", "handshake", "closed"];
const WIRES = ["session", "classic", "packet", "segment", "chat"];
const SIGNALS: Readonly<Record<string, IconName>> = {
  online: "up",
  offline: "down",
};

/** A state's glyph: always round; unknown ones get the plain ring. */
export const stateIcon = (state: string): IconName =>
  STATES.includes(state) && has(state) ? state : "idle";

/** A wire's glyph: always angular. */
export const wireIcon = (wire: string): IconName =>
  WIRES.includes(wire) && has(wire) ? wire : "wire";

/** A signal's glyph. */
export const signalIcon = (kind: string): IconName =>
  SIGNALS[kind] ?? (has(kind) ? kind : "notice");
