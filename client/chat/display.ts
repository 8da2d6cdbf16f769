import { failureText } from "../../protocol/chat/failures.ts";
import { withoutControls } from "../../protocol/chat/text.ts";
import type { ChatEvent } from "./events.ts";

/** Characters that turn the direction of what follows (Unicode UAX 9). */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A text of somebody else's that cannot take over the terminal. */
export function harmless(text: string): string {
  return withoutControls(text).replaceAll(DIRECTIONS, "");
}

/** An event as a line for people; undefined for what they need not see. */
export function describe(event: ChatEvent): string | undefined {
  switch (event.kind) {
    case "online":
      return undefined;
    case "offline":
      return event.reason === "closed"
        ? undefined
        : `* offline: ${event.reason}; trying again`;
    case "refused":
      return `* ${event.status}: ${failureText(event.status)}; trying again`;
    case "greeting":
    case "goodbye":
      return `* ${harmless(event.text)}`;
    case "joined":
      return `* ${event.name} joined`;
    case "left":
      return `* ${event.name} left`;
    case "broadcast":
      return `${event.name}: ${harmless(event.text)}`;
    case "private":
      return `[private] ${event.name}: ${harmless(event.text)}`;
    case "unopened":
      return `[private] ${event.name}: (a message that does not open: ${
        event.why === "no-key"
          ? "its key never came"
          : "altered, or not encrypted for you"
      })`;
    case "key":
      return `* ${event.name}'s key: ${event.fingerprint}`;
    case "bad-key":
      return `* ${event.name}'s ${event.which} key cannot be used`;
  }
}
