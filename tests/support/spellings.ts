/**
 * Other texts for the bytes of one token, as lenient decoders of base64 read
 * them. A server that took one for a new token would execute it again.
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" +
  "0123456789-_";

/** What turns a token's text into another, by what that is. */
const SPELLINGS: Record<string, (text: string) => string> = {
  "without padding": (text) => text.replace(/=+$/, ""),
  "with padding that is not due": (text) => `${text}====`,
  "with one sign of padding less": (text) => text.replace(/=$/, ""),
  "in the other alphabet": (text) =>
    text.replaceAll("-", "+").replaceAll("_", "/"),
  "with spare bits set": (text) =>
    text.replace(
      /(.)(=+)$/,
      (_, last, padding) => ALPHABET[ALPHABET.indexOf(last) + 1] + padding,
    ),
  "with a line break": (text) => `${text.slice(0, 76)}\r\n${text.slice(76)}`,
  "with a space before it": (text) => ` ${text}`,
  "with a space behind it": (text) => `${text} `,
  "with junk in it": (text) => `${text.slice(0, 10)}!${text.slice(10)}`,
  "with its padding escaped": (text) => text.replaceAll("=", "%3D"),
  "twice": (text) => text + text,
};

/** The spellings of a token that are not the token's own, without the NUL. */
export function spellingsOf(text: string): [name: string, spelling: string][] {
  return Object.entries(SPELLINGS)
    .map(([name, spell]): [string, string] => [name, spell(text)])
    .filter(([, spelling]) => spelling !== text);
}
