import { checkClock, type Clock, type Timer } from "../../protocol/clock.ts";
import {
  badOption,
  checkFunction,
  checkNames,
  checkNumber,
  count,
} from "../../protocol/options.ts";
import { type Format, FORMATS, LOG_FORMATS, type LogFormat } from "./format.ts";
import { LOG_LEVELS, type LogLevel, type LogLine } from "./line.ts";

/** How a log is written. */
export interface LogOptions {
  /** `"json"`, the default: an object for each line; `"pretty"` for people. */
  format?: LogFormat;
  /** What is written matters that much or more, default `"info"`. */
  level?: LogLevel;
  /**
   * How many lines a second are written, default 100, and as many besides of
   * the level `"error"`; the others are counted, and a line says how many.
   */
  lines?: number;
  /** Writes a line, which comes without its end; default `console.log`. */
  write?: (line: string) => void;
  /** What tells the time, default the machine's clock. */
  clock?: Clock;
}

/** What `lines` allows; the command line shares it. */
export const LOG_LINES = count(100, 1, 1_000_000, { unlimited: true });

const SECOND = 1_000;

/**
 * Writes lines: those that matter enough, and no more a second than may be.
 * Errors are counted by themselves: a flood of others cannot hide them, nor can
 * they fill the disk.
 */
export class Log implements Disposable {
  #write: (line: string) => void;
  #format: Format;
  #least: number;
  #most: number;
  #clock: Clock;
  #began = -Infinity;
  #written = { errors: 0, others: 0 };
  #dropped = 0;
  #timer: Timer | undefined;

  /**
   * Makes a log.
   *
   * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
   */
  constructor(options: LogOptions = {}) {
    checkNames("", options, ["format", "level", "lines", "write", "clock"]);
    const { format = "json", level = "info", lines, write, clock } = options;
    this.#format = FORMATS[oneOf("format", format, LOG_FORMATS)];
    this.#least = LOG_LEVELS.indexOf(oneOf("level", level, LOG_LEVELS));
    this.#most = checkNumber("lines", lines, LOG_LINES);
    this.#write = checkFunction("write", write) ?? print;
    this.#clock = checkClock(clock);
  }

  /** Whether lines of a level are written. */
  matters(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= this.#least;
  }

  /** Writes a line, which is made only if it is to be written. */
  add(level: LogLevel, line: () => LogLine): void {
    if (!this.matters(level)) return;
    const now = this.#clock.now();
    if (now - this.#began >= SECOND) this.#next(now);
    const kind = level === "error" ? "errors" : "others";
    if (this.#written[kind]++ < this.#most) this.#write(this.#format(line()));
    else this.#drop(now);
  }

  /**
   * Says something about the program itself: a sentence for people, facts. It
   * is not counted: nobody else can make a program say more of it.
   */
  say(
    event: string,
    message: string,
    fields: LogLine["fields"] = {},
    level: LogLevel = "info",
  ): void {
    if (!this.matters(level)) return;
    this.#write(this.#format({
      at: this.#clock.wall(),
      level,
      event,
      fields: { ...fields, message },
      text: message,
      bare: level === "info",
    }));
  }

  /** Says what was dropped, if anything was. Nothing is to be added after. */
  [Symbol.dispose](): void {
    this.#next(this.#clock.now());
  }

  #drop(now: number): void {
    this.#dropped++;
    this.#timer ??= this.#clock.setTimeout(
      () => this.#next(this.#clock.now()),
      Math.ceil(this.#began + SECOND - now),
    );
  }

  /** A second begins. */
  #next(now: number): void {
    this.#began = now;
    this.#written = { errors: 0, others: 0 };
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#dropped;
    this.#dropped = 0;
    this.#write(this.#format({
      at: this.#clock.wall(),
      level: "warn",
      event: "dropped",
      fields: { lines },
      text: `${lines} lines, over ${this.#most} a second`,
    }));
  }
}

/** A line that a full disk takes no more is lost: the program goes on. */
function print(line: string): void {
  try {
    // deno-lint-ignore no-console
    console.log(line);
  } catch {
    // There is nowhere to say so.
  }
}

function oneOf<T extends string>(
  name: string,
  value: T,
  allowed: readonly T[],
): T {
  if (allowed.includes(value)) return value;
  const names = allowed.map((one) => `"${one}"`).join(" or ");
  throw badOption(name, names, value);
}
