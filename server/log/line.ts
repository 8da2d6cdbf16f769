/** How much a line of a log matters: that much, or more, is written. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The levels, what matters least first. */
export const LOG_LEVELS: readonly LogLevel[] = [
  "debug",
  "info",
  "warn",
  "error",
];

/** What one line of a log says, whatever it is written as. */
export interface LogLine {
  /** When, in ms since the Unix epoch. */
  readonly at: number;
  /** How much it matters. */
  readonly level: LogLevel;
  /** What happened, in one stable word. */
  readonly event: string;
  /** The facts; those that are undefined are left out. */
  readonly fields: Readonly<
    Record<string, string | number | boolean | undefined>
  >;
  /** The same for a person, without the time. */
  readonly text: string;
  /** Whether a person needs neither the time nor the level: "Stopping". */
  readonly bare?: boolean;
}
