import {
  makeSessionKey,
  openSessionKey,
  type OwnKeys,
  type PublicKey,
  readPublicKey,
} from "../../protocol/chat/key_pair.ts";
import {
  openMessage,
  sealMessage,
} from "../../protocol/chat/private_message.ts";
import { CypherError } from "../../protocol/errors.ts";

/** What is known of another user. */
interface Contact {
  /** The key it announced. */
  publicKey: PublicKey | undefined;
  /** What our messages to it are sealed with, once that is sent. */
  outgoing: Promise<CryptoKey> | undefined;
  /** What its messages to us are sealed with. */
  incoming: CryptoKey | undefined;
  /** The last message to it that is being sealed: they keep their order. */
  turn: Promise<unknown>;
}

/** Why a message has no text. */
export type Unopened = { readonly why: "no-key" | "not-opened" };

/** The other users' keys, and the messages sealed with them (chat.md). */
export class Contacts {
  #name: string;
  #keys: Promise<OwnKeys>;
  #limit: number;
  #contacts = new Map<string, Contact>();

  /** `name` and `keys` are our own; `limit` is how many users are kept. */
  constructor(name: string, keys: Promise<OwnKeys>, limit: number) {
    this.#name = name;
    this.#keys = keys;
    this.#limit = limit;
  }

  /** The fingerprint of the key that a user announced. */
  fingerprintOf(name: string): string | undefined {
    return this.#contacts.get(name)?.publicKey?.fingerprint;
  }

  /** A user is gone: whoever comes under that name is a stranger. */
  forget(name: string): void {
    this.#contacts.delete(name);
  }

  /**
   * A user announced a public key; gives its fingerprint. With another key
   * than before, they are somebody else: what belonged to it is forgotten.
   *
   * @throws {CypherError} `BAD_MESSAGE` if it is no such key, `TOO_LARGE`.
   */
  async announced(name: string, key: string): Promise<string> {
    const known = this.#contacts.get(name)?.publicKey;
    if (known?.announced === key) return known.fingerprint;
    this.forget(name);
    const publicKey = await readPublicKey(key);
    this.#find(name).publicKey = publicKey;
    return publicKey.fingerprint;
  }

  /**
   * A user sent the key of its messages to us. That happens once: another key
   * could only be somebody else's.
   *
   * @throws {CypherError} `BAD_TOKEN` if it does not open or is a second one,
   * `TOO_LARGE`.
   */
  async received(name: string, wrapped: string): Promise<void> {
    const contact = this.#find(name);
    if (contact.incoming) {
      throw new CypherError("BAD_TOKEN", "Cannot take a second session key");
    }
    const { privateKey } = await this.#keys;
    contact.incoming = await openSessionKey(privateKey, wrapped);
  }

  /** Opens a user's message to us. */
  async open(from: string, sealed: string): Promise<string | Unopened> {
    const key = this.#contacts.get(from)?.incoming;
    if (!key) return { why: "no-key" };
    try {
      return await openMessage(key, { from, to: this.#name }, sealed);
    } catch {
      return { why: "not-opened" };
    }
  }

  /**
   * Seals a message and hands it to `send`, after those to the same user that
   * came before. `sendKey` is called first if the user has no key yet. Gives
   * what `send` gives, or undefined if the user's key is not, or no longer,
   * known.
   */
  seal<T>(
    to: string,
    text: string,
    sendKey: (wrapped: string) => Promise<unknown>,
    send: (sealed: string) => T,
  ): Promise<T | undefined> {
    const contact = this.#contacts.get(to);
    if (!contact?.publicKey) return Promise.resolve(undefined);
    const { key: recipient } = contact.publicKey;
    const sealing = contact.turn.then(async () => {
      const key = await this.#outgoing(contact, recipient, sendKey);
      const sealed = await sealMessage(key, { from: this.#name, to }, text);
      return this.#contacts.get(to) === contact ? send(sealed) : undefined;
    });
    contact.turn = sealing.catch(() => {});
    return sealing;
  }

  #outgoing(
    contact: Contact,
    recipient: CryptoKey,
    sendKey: (wrapped: string) => Promise<unknown>,
  ): Promise<CryptoKey> {
    return contact.outgoing ??= makeSessionKey(recipient).then(
      async ({ key, wrapped }) => {
        await sendKey(wrapped);
        return key;
      },
    ).catch((error) => {
      // It never arrived: the next message makes another.
      contact.outgoing = undefined;
      throw error;
    });
  }

  #find(name: string): Contact {
    const known = this.#contacts.get(name);
    if (known) return known;
    if (this.#contacts.size >= this.#limit) {
      throw new CypherError(
        "TOO_LARGE",
        `Cannot keep the keys of more than ${this.#limit} users`,
      );
    }
    const contact: Contact = {
      publicKey: undefined,
      outgoing: undefined,
      incoming: undefined,
      turn: Promise.resolve(),
    };
    this.#contacts.set(name, contact);
    return contact;
  }
}
