import { PacketError } from "./errors.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
/** The longest name or session id, in UTF-16 code units. */
const LONGEST = 256;

/**
 * The fields of a handshake's JSON object, each checked as it is read. JSON's
 * null is taken for a field that is not there, as Python's `None` becomes it.
 */
export class Fields {
  #message: string;
  #values: Record<string, unknown>;

  /**
   * Reads the payload of `message`, which is its name in errors.
   *
   * @throws {PacketError} `BAD_HANDSHAKE` if it is not a JSON object.
   */
  constructor(message: string, payload: Uint8Array) {
    this.#message = message;
    this.#values = this.#parse(payload);
  }

  /** A field, whatever it is; undefined if it is not there. */
  get(name: string): unknown {
    return Object.hasOwn(this.#values, name)
      ? this.#values[name] ?? undefined
      : undefined;
  }

  /** A name, if it is there; peers have texts and numbers for names. */
  name(name: string): string | number | undefined {
    const value = this.get(name);
    if (value === undefined || Number.isFinite(value)) {
      return value as number | undefined;
    }
    if (typeof value === "string" && value && value.length <= LONGEST) {
      return value;
    }
    throw this.bad(
      `"${name}" must be a number or a text of 1 to ${LONGEST} characters`,
    );
  }

  /** A whole number of at least `min`, if it is there. */
  whole(name: string, min: number): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (Number.isSafeInteger(value) && value as number >= min) {
      return value as number;
    }
    throw this.bad(`"${name}" must be a whole number from ${min} up`);
  }

  /** The error for what is not as it must be. */
  bad(problem: string): PacketError {
    return new PacketError(
      "BAD_HANDSHAKE",
      `Cannot accept the ${this.#message}: ${problem}`,
    );
  }

  #parse(payload: Uint8Array): Record<string, unknown> {
    let value: unknown;
    try {
      value = JSON.parse(decoder.decode(payload));
    } catch {
      throw this.bad("its payload is not JSON");
    }
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
    throw this.bad("its payload is not a JSON object");
  }
}
