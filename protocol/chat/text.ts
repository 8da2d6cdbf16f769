const encoder = new TextEncoder();
/** Controls (Unicode `Cc`) and the two separators that also end a line. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/** Whether a text is a username: 3 to 14 of `A-Z a-z 0-9 _` (chat.md). */
export function isUsername(text: string): boolean {
  return /^[A-Za-z0-9_]{3,14}$/.test(text);
}

/**
 * A message as it may be passed on: without control characters, which could
 * take over the terminal of whoever reads it. A tab becomes a space.
 */
export function withoutControls(text: string): string {
  return text.replaceAll("\t", " ").replaceAll(CONTROLS, "");
}

/** Whether a text can be sent as a message: one line that shows something. */
export function isMessage(text: string): boolean {
  return text.trim() !== "" && text.isWellFormed() &&
    text.search(CONTROLS) === -1;
}

/** A line's bytes, with the LF that ends it. */
export function lineBytes(text: string): Uint8Array {
  return encoder.encode(`${text}\n`);
}

/** A text's first word, and what follows the space after it. */
export function firstWord(text: string): [word: string, rest: string] {
  const space = text.indexOf(" ");
  return space === -1
    ? [text, ""]
    : [text.slice(0, space), text.slice(space + 1)];
}
