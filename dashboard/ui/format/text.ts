/** More than any line shows; keeps a 10 KB name from weighing down the page. */
const LONGEST = 512;

/**
 * Makes a peer's text safe to read on one line: control characters become
 * their visible symbols, and what would reorder or hide the text around it
 * (bidi overrides, zero-width characters) becomes the replacement character.
 */
export function visible(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return cut.replace(/\p{Cc}/gu, symbol).replace(HIDING, "\ufffd");
}

const HIDING = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The picture of a control character; the second set of them has none. */
function symbol(control: string): string {
  const code = control.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}

/** An address as the table shows it: the host may be cut, the port never. */
export function splitAddress(
  address: string,
): { readonly host: string; readonly port: string } {
  const text = visible(address);
  const colon = text.lastIndexOf(":");
  return colon < 0
    ? { host: text, port: "" }
    : { host: text.slice(0, colon), port: text.slice(colon) };
}

/** What a peer is called: its name, or its address where it has none. */
export const peer = (
  one: { readonly name?: string | undefined; readonly address: string },
): string => visible(one.name || one.address);
