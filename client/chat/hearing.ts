import { withoutControls } from "../../protocol/chat/text.ts";
import { CypherError } from "../../protocol/errors.ts";
import type { Told } from "./chat_link.ts";
import type { Contacts } from "./contacts.ts";
import type { NewChatEvent } from "./events.ts";

/**
 * What a line of the server means to us, or undefined for keys that came as
 * they should and mean nothing to people.
 *
 * @throws {CypherError} `TOO_LARGE` if there are too many users.
 */
export async function eventOf(
  line: Told,
  contacts: Contacts,
): Promise<NewChatEvent | undefined> {
  switch (line.word) {
    case "INIT":
      return { kind: "greeting", text: withoutControls(line.text) };
    case "DSCN":
      return { kind: "goodbye", text: withoutControls(line.text) };
    case "JOINED":
    case "LEFT": {
      const { word, name } = line;
      // Whoever comes is new, even if we were not told who left before.
      contacts.forget(name);
      return { kind: word === "LEFT" ? "left" : "joined", name };
    }
    case "BCST": {
      const { from: name, text } = line;
      return { kind: "broadcast", name, text: withoutControls(text) };
    }
    case "NPM": {
      const { from: name, text } = line;
      const opened = await contacts.open(name, text);
      // Nobody but its sender has seen it: what it holds is not to be trusted.
      return typeof opened === "string"
        ? { kind: "private", name, text: withoutControls(opened) }
        : { kind: "unopened", name, ...opened };
    }
    case "PM_PUBKEY": {
      const { from: name, text } = line;
      const fingerprint = await unlessBad(contacts.announced(name, text));
      return fingerprint === undefined
        ? { kind: "bad-key", name, which: "public" }
        : { kind: "key", name, fingerprint };
    }
    case "PM_SESSIONKEY": {
      const { from: name, text } = line;
      const taken = await unlessBad(
        contacts.received(name, text).then(() => true),
      );
      return taken ? undefined : { kind: "bad-key", name, which: "session" };
    }
  }
}

async function unlessBad<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof CypherError && error.code !== "TOO_LARGE") return;
    throw error;
  }
}
