/** Why the server did not do what a line asked for (chat.md). */
export type ChatFailureCode =
  /** An unknown command, or a line over the limit. */
  | "FAIL00"
  /** The username is in use. */
  | "FAIL01"
  /** The username has an invalid format or length. */
  | "FAIL02"
  /** Log in first. */
  | "FAIL03"
  /** Already logged in. */
  | "FAIL04"
  /** No response to a ping, or a pong that nothing asked for. */
  | "FAIL05"
  /** The only connected user. */
  | "FAIL06"
  /** The user does not exist. */
  | "FAIL07"
  /** A private message to oneself. */
  | "FAIL08";

/** What each failure says unless there is something more precise to say. */
const TEXTS: Readonly<Record<ChatFailureCode, string>> = {
  FAIL00: "UNKNOWN COMMAND",
  FAIL01: "USERNAME IS IN USE",
  FAIL02: "USERNAME HAS AN INVALID FORMAT OR LENGTH",
  FAIL03: "USER MUST LOGIN FIRST",
  FAIL04: "USER IS ALREADY LOGGED IN",
  FAIL05: "PONG WITHOUT PING",
  FAIL06: "YOU ARE THE ONLY CONNECTED USER",
  FAIL07: "USER DOES NOT EXIST",
  FAIL08: "CANNOT SEND A PRIVATE MESSAGE TO YOURSELF",
};

/** A failure as a line says it: `FAIL03 USER MUST LOGIN FIRST`. */
export interface ChatFailure {
  /** Tells the lines apart. */
  readonly word: "FAIL";
  /** Which failure. */
  readonly code: ChatFailureCode;
  /** What it says to people. */
  readonly text: string;
}

/** Makes a failure, with its usual text unless told otherwise. */
export function failure(
  code: ChatFailureCode,
  text: string = TEXTS[code],
): ChatFailure {
  return { word: "FAIL", code, text };
}

/** A failure's usual text; undefined for a word that is no failure. */
export function failureText(code: string): string | undefined {
  return Object.hasOwn(TEXTS, code)
    ? TEXTS[code as ChatFailureCode]
    : undefined;
}
