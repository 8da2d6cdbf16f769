import type { ChatCommand } from "../../protocol/chat/command.ts";
import { type ChatFailure, failure } from "../../protocol/chat/failures.ts";
import {
  type ServerLine,
  writeServerLine,
} from "../../protocol/chat/server_line.ts";
import { isUsername, lineBytes } from "../../protocol/chat/text.ts";
import type { Member, Room } from "./room.ts";

/** Where somebody who connected stands. */
type CallerState =
  /** Connected, and nobody yet. */
  | { readonly kind: "guest" }
  /** Logged in. */
  | { readonly kind: "member"; readonly member: Member }
  /** Gone, or about to be. */
  | { readonly kind: "gone" };

/** A command that has an answer: a `PONG` has none. */
export type Question = Exclude<ChatCommand, { word: "PONG" }>;

/**
 * Somebody who connected, and what becomes of the commands that come from
 * there: each has exactly one answer, and tells others what concerns them.
 */
export class Caller {
  #room: Room;
  #tell: (line: Uint8Array) => void;
  #state: CallerState = { kind: "guest" };

  /** `tell` sends the caller a line. */
  constructor(room: Room, tell: (line: Uint8Array) => void) {
    this.#room = room;
    this.#tell = tell;
  }

  /** The user it has logged in as, while it is. */
  get member(): Member | undefined {
    return this.#state.kind === "member" ? this.#state.member : undefined;
  }

  /** Whether it is gone, or about to be. */
  get gone(): boolean {
    return this.#state.kind === "gone";
  }

  /** Carries out a command and gives the answer. */
  answer(command: Question): ServerLine {
    if (command.word === "QUIT") {
      this.leave();
      return { word: "OK", of: "GOODBYE", text: "" };
    }
    const { member } = this;
    if (command.word === "IDENT") {
      return member ? failure("FAIL04") : this.#login(command.name);
    }
    if (!member) return failure("FAIL03");
    switch (command.word) {
      case "BCST": {
        const { word, message } = command;
        this.#room.tellOthers(member, {
          word,
          from: member.name,
          text: message,
        });
        return { word: "OK", of: word, text: message };
      }
      case "USERS": {
        const { names } = this.#room;
        if (names.length === 1) return failure("FAIL06");
        return { word: "OK", of: "USERS", text: names.join(":") };
      }
      case "PM":
      case "PRIVATE_MESSAGE": {
        const { word, to, message } = command;
        return this.#pass(member, to, "NPM", message) ??
          { word: "OK", of: word, text: `${to} ${message}` };
      }
      case "PM_PUBKEY": {
        const { word, key } = command;
        member.key = key;
        this.#room.tellOthers(member, { word, from: member.name, text: key });
        return { word: "OK", of: word, text: "" };
      }
      case "PM_SESSIONKEY": {
        const { word, to, key } = command;
        return this.#pass(member, to, word, key) ??
          { word: "OK", of: word, text: "" };
      }
    }
  }

  /** It is gone, or about to be: the others are told, once. */
  leave(): void {
    const { member } = this;
    this.#state = { kind: "gone" };
    if (member) this.#room.leave(member);
  }

  #login(name: string): ServerLine {
    if (!isUsername(name)) return failure("FAIL02");
    const member = { name, key: undefined, tell: this.#tell };
    if (!this.#room.join(member)) return failure("FAIL01");
    this.#state = { kind: "member", member };
    return { word: "OK", of: "IDENT", text: name };
  }

  /** Passes something on to one user; gives why that cannot be. */
  #pass(
    { name: from }: Member,
    to: string,
    word: "NPM" | "PM_SESSIONKEY",
    text: string,
  ): ChatFailure | undefined {
    if (to === from) return failure("FAIL08");
    const recipient = this.#room.find(to);
    if (!recipient) return failure("FAIL07");
    recipient.tell(lineBytes(writeServerLine({ word, from, text })));
    return undefined;
  }
}
