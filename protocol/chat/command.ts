import { firstWord, withoutControls } from "./text.ts";

/** What a client can say (chat.md, the lines marked C). */
export type ChatCommand =
  | { readonly word: "IDENT"; readonly name: string }
  | { readonly word: "BCST"; readonly message: string }
  | { readonly word: "USERS" }
  | {
    /** Two spellings of one command; each is answered in its own. */
    readonly word: "PM" | "PRIVATE_MESSAGE";
    readonly to: string;
    readonly message: string;
  }
  | { readonly word: "PM_PUBKEY"; readonly key: string }
  | {
    readonly word: "PM_SESSIONKEY";
    readonly to: string;
    readonly key: string;
  }
  | { readonly word: "QUIT" }
  | { readonly word: "PONG" };

/** What tells commands apart. */
export type ChatCommandWord = ChatCommand["word"];

/**
 * Reads a client's line; undefined for an unknown command and for one without
 * what belongs to it. What is to be passed on comes without control characters.
 */
export function parseCommand(line: string): ChatCommand | undefined {
  const [word, rest] = firstWord(line);
  switch (word) {
    case "IDENT":
      // Any name: whether it is a good one has an answer of its own.
      return { word, name: rest };
    case "USERS":
    case "QUIT":
    case "PONG":
      return rest.trim() === "" ? { word } : undefined;
    case "BCST": {
      const message = textOf(rest);
      return message === undefined ? undefined : { word, message };
    }
    case "PM":
    case "PRIVATE_MESSAGE": {
      const [to, text] = firstWord(rest);
      const message = textOf(text);
      return message === undefined ? undefined : { word, to, message };
    }
    case "PM_PUBKEY": {
      const key = textOf(rest);
      return key === undefined ? undefined : { word, key };
    }
    case "PM_SESSIONKEY": {
      const [to, text] = firstWord(rest);
      const key = textOf(text);
      return key === undefined ? undefined : { word, to, key };
    }
    default:
      return undefined;
  }
}

/** Writes a command as a line, without its LF. */
export function writeCommand(command: ChatCommand): string {
  const { word } = command;
  switch (word) {
    case "IDENT":
      return `${word} ${command.name}`;
    case "BCST":
      return `${word} ${command.message}`;
    case "PM":
    case "PRIVATE_MESSAGE":
      return `${word} ${command.to} ${command.message}`;
    case "PM_PUBKEY":
      return `${word} ${command.key}`;
    case "PM_SESSIONKEY":
      return `${word} ${command.to} ${command.key}`;
    case "USERS":
    case "QUIT":
    case "PONG":
      return word;
  }
}

/** A text that can be passed on; undefined if nothing visible is left of it. */
function textOf(text: string): string | undefined {
  const cleaned = withoutControls(text);
  return cleaned.trim() === "" ? undefined : cleaned;
}
