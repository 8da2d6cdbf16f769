import { type BanOptions, Bans } from "./bans.ts";

/** Whom an {@linkcode Admission} lets in. */
export interface AdmissionOptions extends BanOptions {
  /** How many connections may be open. */
  connections: number;
  /** How many of them may be of one origin. */
  connectionsPerAddress: number;
}

/** Why somebody is not let in: the limit that it would be over. */
export type Refusal = "connections" | "connectionsPerAddress" | "badTokens";

/** Counts the open connections by origin, and knows who is banned. */
export class Admission {
  /** Who is refused for what was sent before. */
  readonly bans: Bans;
  #options: AdmissionOptions;
  #counts = new Map<string, number>();
  #open = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.bans = new Bans(options);
  }

  /** What is against one more connection of an origin, if anything is. */
  refusal(origin: string): Refusal | undefined {
    const { connections, connectionsPerAddress } = this.#options;
    if (this.bans.has(origin)) return "badTokens";
    const count = this.#counts.get(origin) ?? 0;
    if (count >= connectionsPerAddress) return "connectionsPerAddress";
    return this.#open >= connections ? "connections" : undefined;
  }

  /** A connection is open. */
  enter(origin: string): void {
    this.#open++;
    this.#counts.set(origin, (this.#counts.get(origin) ?? 0) + 1);
  }

  /** A connection is gone. */
  leave(origin: string): void {
    this.#open--;
    const left = this.#counts.get(origin)! - 1;
    if (left > 0) this.#counts.set(origin, left);
    else this.#counts.delete(origin);
  }
}
