import {
  type ChatFailure,
  type ChatFailureCode,
  failure,
  failureText,
} from "./failures.ts";
import { firstWord, isUsername } from "./text.ts";

/** What a server can say (chat.md). */
export type ServerLine =
  /** The greeting. */
  | { readonly word: "INIT"; readonly text: string }
  /** A command was carried out: its word, or `GOODBYE`, and what it gave. */
  | { readonly word: "OK"; readonly of: string; readonly text: string }
  /** It was not. */
  | ChatFailure
  /** Somebody came. */
  | { readonly word: "JOINED"; readonly name: string }
  /** Somebody is gone. */
  | { readonly word: "LEFT"; readonly name: string }
  /** A message to all (`BCST`) or a private one (`NPM`), or a key. */
  | {
    readonly word: "BCST" | "NPM" | "PM_PUBKEY" | "PM_SESSIONKEY";
    readonly from: string;
    readonly text: string;
  }
  /** Asks for a `PONG`. */
  | { readonly word: "PING" }
  /** The server is about to close the connection. */
  | { readonly word: "DSCN"; readonly text: string };

/** Reads a server's line; undefined if it is none, or names nobody. */
export function parseServerLine(line: string): ServerLine | undefined {
  const [word, rest] = firstWord(line);
  switch (word) {
    case "INIT":
    case "DSCN":
      return { word, text: rest };
    case "OK": {
      const [of, text] = firstWord(rest);
      return { word, of, text };
    }
    case "JOINED":
    case "LEFT":
      return isUsername(rest) ? { word, name: rest } : undefined;
    case "BCST":
    case "NPM":
    case "PM_PUBKEY":
    case "PM_SESSIONKEY": {
      const [from, text] = firstWord(rest);
      return isUsername(from) ? { word, from, text } : undefined;
    }
    case "PING":
      return { word };
    default:
      return failureText(word) === undefined
        ? undefined
        : failure(word as ChatFailureCode, rest);
  }
}

/** Writes a server's line, without its LF. */
export function writeServerLine(line: ServerLine): string {
  switch (line.word) {
    case "INIT":
    case "DSCN":
      return `${line.word} ${line.text}`;
    case "OK":
      return line.text === "" ? `OK ${line.of}` : `OK ${line.of} ${line.text}`;
    case "FAIL":
      return `${line.code} ${line.text}`;
    case "JOINED":
    case "LEFT":
      return `${line.word} ${line.name}`;
    case "BCST":
    case "NPM":
    case "PM_PUBKEY":
    case "PM_SESSIONKEY":
      return `${line.word} ${line.from} ${line.text}`;
    case "PING":
      return line.word;
  }
}
