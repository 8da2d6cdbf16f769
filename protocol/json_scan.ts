import { endOfString } from "./json_keys.ts";

/** Sixteen digits in a row, or an exponent of three: worth a closer look. */
const SUSPICIOUS = /\d{16}|\d[eE]\+?\d{3}/;
const EACH_SUSPICIOUS = new RegExp(SUSPICIOUS, "g");
const NUMBER_CHARACTER = /[-+.\deE]/;
const INTEGER = /^-?\d+$/;
const QUOTE = 0x22;
/** What tells `{` from `[`, and `}` from `]`. */
const CURLY = 0x20;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/**
 * Whether a JSON text nests deeper than `depth` levels. Asked before the text is
 * parsed: each level takes memory then, of which 16 MB of brackets take 1.2 GB.
 */
export function nestsDeeper(text: string, depth: number): boolean {
  if (!opensOften(text, depth)) return false;
  let level = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at) - 1;
    else if ((unit | CURLY) === CLOSE) level--;
    else if ((unit | CURLY) === OPEN && ++level > depth) return true;
  }
  return false;
}

/** Whether there are more than `depth` brackets that open, in strings or not. */
function opensOften(text: string, depth: number): boolean {
  // Each level takes two characters at least.
  if (text.length < 2 * depth) return false;
  let count = 0;
  for (const bracket of ["{", "["]) {
    let at = text.indexOf(bracket);
    while (at !== -1) {
      if (++count > depth) return true;
      at = text.indexOf(bracket, at + 1);
    }
  }
  return false;
}

/**
 * Whether a JSON text, known to be valid, holds a number that a double cannot:
 * an integer that would be rounded, or one that would be infinite.
 */
export function holdsLossyNumber(text: string): boolean {
  if (!SUSPICIOUS.test(text)) return false;
  // What is in a string is no number.
  let start = 0;
  for (;;) {
    const quote = text.indexOf('"', start);
    const part = text.slice(start, quote === -1 ? undefined : quote);
    if (anyLossy(part)) return true;
    if (quote === -1) return false;
    start = endOfString(text, quote);
  }
}

/** The same for a part of the text that has no string in it. */
function anyLossy(part: string): boolean {
  EACH_SUSPICIOUS.lastIndex = 0;
  for (;;) {
    const match = EACH_SUSPICIOUS.exec(part);
    if (!match) return false;
    let start = match.index;
    while (start > 0 && NUMBER_CHARACTER.test(part[start - 1]!)) start--;
    let end = EACH_SUSPICIOUS.lastIndex;
    while (end < part.length && NUMBER_CHARACTER.test(part[end]!)) end++;
    if (isLossy(part.slice(start, end))) return true;
    EACH_SUSPICIOUS.lastIndex = end;
  }
}

function isLossy(number: string): boolean {
  const value = Number(number);
  if (!Number.isFinite(value)) return true;
  return INTEGER.test(number) && BigInt(number) !== BigInt(value);
}
