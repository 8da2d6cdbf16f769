import {
  type ServerLine,
  writeServerLine,
} from "../../protocol/chat/server_line.ts";
import { lineBytes } from "../../protocol/chat/text.ts";

/** A user who is logged in. */
export interface Member {
  /** The username. */
  readonly name: string;
  /** The public key it has announced. */
  key: string | undefined;
  /** Sends it a line, its LF included. */
  tell(line: Uint8Array): void;
}

/** The users who are logged in, each under a name of its own. */
export class Room {
  #members = new Map<string, Member>();

  /** Their names, in the order in which they came. */
  get names(): string[] {
    return [...this.#members.keys()];
  }

  /** Who has announced a public key. */
  get keyHolders(): Member[] {
    return [...this.#members.values()].filter(({ key }) => key !== undefined);
  }

  /** The user of that name. */
  find(name: string): Member | undefined {
    return this.#members.get(name);
  }

  /** Lets a user in, and tells the others; false if the name is taken. */
  join(member: Member): boolean {
    if (this.#members.has(member.name)) return false;
    this.#members.set(member.name, member);
    this.tellOthers(member, { word: "JOINED", name: member.name });
    return true;
  }

  /** A user is gone, for whatever reason: tells the others. */
  leave(member: Member): void {
    if (this.#members.get(member.name) !== member) return;
    this.#members.delete(member.name);
    this.tellOthers(member, { word: "LEFT", name: member.name });
  }

  /** Sends a line to everybody but one. */
  tellOthers(one: Member, line: ServerLine): void {
    const bytes = lineBytes(writeServerLine(line));
    for (const member of this.#members.values()) {
      if (member !== one) member.tell(bytes);
    }
  }

  /** Everybody goes at once: nobody is told about the others any more. */
  dissolve(): void {
    this.#members.clear();
  }
}
