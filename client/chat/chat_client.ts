import {
  Broadcast,
  type SubscribeOptions,
  type Subscription,
} from "../../protocol/broadcast.ts";
import type { ChatCommand } from "../../protocol/chat/command.ts";
import { generateOwnKeys, type OwnKeys } from "../../protocol/chat/key_pair.ts";
import { type CypherError, CypherStatus } from "../../protocol/errors.ts";
import { checkNames, checkSignal } from "../../protocol/options.ts";
import { type ClientState, Keeper } from "../keeper.ts";
import { aborted, unlessAborted } from "./abortable.ts";
import { ChatLink } from "./chat_link.ts";
import { Contacts } from "./contacts.ts";
import {
  closedError,
  isStatus,
  noKey,
  requireMessage,
  status,
} from "./errors.ts";
import type { ChatEvent, NewChatEvent } from "./events.ts";
import { eventOf } from "./hearing.ts";
import {
  type ChatClientOptions,
  type ChatClientSettings,
  type ChatCommandOptions,
  checkChatClientOptions,
} from "./options.ts";
import { Waiters } from "./waiters.ts";

/**
 * Takes part in a chat under a name. Private messages are encrypted end to end;
 * a lost connection is made again, and everybody's keys are learned anew.
 *
 * @example
 * ```ts
 * import { ChatClient, ChatServer } from "@cypher/protocol/chat";
 *
 * await using server = new ChatServer({ port: 0 });
 * await server.start();
 * await using client = new ChatClient({
 *   name: "alice",
 *   port: server.address.port,
 *   onEvent: (event) => console.log(event.kind),
 * });
 * await client.connect();
 * await client.broadcast("Hello, everybody");
 * ```
 */
export class ChatClient implements AsyncDisposable {
  /** The username. */
  readonly name: string;
  #settings: ChatClientSettings;
  #keys: Promise<OwnKeys> | undefined;
  #contacts: Contacts | undefined;
  #keeper: Keeper<ChatLink>;
  #events = new Broadcast<ChatEvent>();
  #waiters: Waiters;
  #wasOnline = false;
  #closed: Promise<void> | undefined;

  /**
   * Makes a client; {@linkcode ChatClient.connect}, or the first command,
   * connects it.
   *
   * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
   */
  constructor(options: ChatClientOptions) {
    const settings = this.#settings = checkChatClientOptions(options);
    this.name = settings.name;
    this.#waiters = new Waiters(settings.limits.queued);
    this.#events.listen((event) => {
      settings.onEvent?.(event);
      if (event.kind === "online") settings.onOnline?.();
      if (event.kind === "offline") settings.onOffline?.(event.reason);
    });
    this.#keeper = new Keeper(settings, {
      link: (transport) => {
        const keys = this.#keys ??= generateOwnKeys();
        const { contacts: limit } = settings.limits;
        const contacts = this.#contacts = new Contacts(this.name, keys, limit);
        return new ChatLink(settings, transport, keys, {
          told: async (line) => {
            const event = await eventOf(line, contacts);
            if (event) this.#publish(event);
          },
        });
      },
      online: () => {
        this.#wasOnline = true;
        this.#publish({ kind: "online" });
        this.#waiters.resolveAll();
      },
      offline: (reason) => this.#publish({ kind: "offline", reason }),
      refused: (error) => this.#refused(error),
      gaveUp: (error) => this.#waiters.rejectAll(error),
    });
  }

  /** Where the connection stands; `online` once we are logged in. */
  get state(): ClientState {
    return this.#keeper.state.kind;
  }

  /** The fingerprint of the key another user announced; undefined if none. */
  fingerprintOf(name: string): string | undefined {
    return this.#contacts?.fingerprintOf(name);
  }

  /** The fingerprint of our own public key: 16 hex digits in groups of 4. */
  async fingerprint(): Promise<string> {
    this.#keys ??= generateOwnKeys();
    return (await this.#keys).fingerprint;
  }

  /**
   * Connects and logs in; resolves once that is done, at once if it is already.
   * A server that refuses the name at the first connection closes the client.
   *
   * @throws {CypherStatus} `FAIL01` if the name is in use.
   * @throws {CypherError} `ABORTED`, `CLOSED`, `CONNECT_FAILED` once the allowed
   * attempts are used up, `QUEUE_FULL`.
   */
  async connect(options: ChatCommandOptions = {}): Promise<void> {
    await this.#link(options);
  }

  /**
   * Sends a message to everybody.
   *
   * @throws {CypherError} `UNSENDABLE` if it is not one line of text, else as
   * {@linkcode ChatClient.connect}, `TOO_LARGE`, `NO_ANSWER` if the connection
   * was lost meanwhile.
   */
  async broadcast(
    message: string,
    options: ChatCommandOptions = {},
  ): Promise<void> {
    requireMessage(message);
    await this.#ask({ word: "BCST", message }, options);
  }

  /**
   * Who is logged in, ourselves included.
   *
   * @throws {CypherError} As {@linkcode ChatClient.broadcast}.
   */
  async users(options: ChatCommandOptions = {}): Promise<string[]> {
    try {
      return (await this.#ask({ word: "USERS" }, options)).split(":");
    } catch (error) {
      if (isStatus(error, "FAIL06")) return [this.name];
      throw error;
    }
  }

  /**
   * Sends a message to one user, end-to-end encrypted.
   *
   * @throws {CypherStatus} `FAIL07` if there is no such user, `FAIL08` if that
   * is ourselves.
   * @throws {CypherError} `UNSENDABLE` if the user has announced no public key:
   * nothing is ever sent in the clear instead. Else as
   * {@linkcode ChatClient.broadcast}.
   */
  async pm(
    name: string,
    message: string,
    options: ChatCommandOptions = {},
  ): Promise<void> {
    requireMessage(message);
    if (name === this.name) throw status("FAIL08");
    while (!await this.#sendPrivately(name, message, options)) {
      // The answer comes after the key of whoever has just announced one.
      const users = await this.users(options);
      if (!users.includes(name)) throw status("FAIL07");
      if (this.fingerprintOf(name) === undefined) throw noKey(name);
    }
  }

  /** Says goodbye, then closes. */
  async quit(options: ChatCommandOptions = {}): Promise<void> {
    try {
      if (this.state === "online") await this.#ask({ word: "QUIT" }, options);
    } catch {
      // It ends either way.
    }
    await this.close();
  }

  /** The events from now on, as an async iterable. */
  events(options?: SubscribeOptions): Subscription<ChatEvent> {
    return this.#events.subscribe(options);
  }

  /** Closes for good; commands that wait reject with `CLOSED`. */
  close(): Promise<void> {
    return this.#closed ??= this.#close(closedError());
  }

  /** The same as {@linkcode ChatClient.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(error: CypherError): Promise<void> {
    const closed = this.#keeper.close();
    this.#waiters.rejectAll(error);
    await closed;
    // Making keys cannot be interrupted.
    await this.#keys;
    this.#events.close();
  }

  async #ask(
    command: ChatCommand,
    options: ChatCommandOptions,
  ): Promise<string> {
    const link = await this.#link(options);
    return await unlessAborted(link.ask(command), options.signal);
  }

  /** Seals and sends a message; false if there is no key for its recipient. */
  async #sendPrivately(
    to: string,
    text: string,
    options: ChatCommandOptions,
  ): Promise<boolean> {
    const { signal } = options;
    const link = await this.#link(options);
    const sealing = this.#contacts!.seal(
      to,
      text,
      (key) => link.ask({ word: "PM_SESSIONKEY", to, key }),
      (message) => {
        if (signal?.aborted) throw aborted(signal);
        const answer = link.ask({ word: "PM", to, message });
        // Who waits for it may have given up.
        answer.catch(() => {});
        // Wrapped: the next message need not wait for this one's answer.
        return { answer };
      },
    );
    const sent = await unlessAborted(sealing, signal);
    if (sent) await unlessAborted(sent.answer, signal);
    return sent !== undefined;
  }

  /** The link, once it can be used. */
  async #link(options: ChatCommandOptions): Promise<ChatLink> {
    checkNames("", options, ["signal"]);
    const signal = checkSignal(options.signal);
    if (signal?.aborted) throw aborted(signal);
    for (;;) {
      const { state } = this.#keeper;
      if (state.kind === "closed") throw closedError();
      if (state.kind === "online") return state.link;
      this.#keeper.start();
      await unlessAborted(this.#waiters.add(), signal);
    }
  }

  #refused(error: CypherError): void {
    // Later it may be that our own lost connection still has the name.
    if (!this.#wasOnline) this.#closed ??= this.#close(error);
    else if (error instanceof CypherStatus) {
      this.#publish({ kind: "refused", status: error.status });
    }
  }

  #publish(event: NewChatEvent): void {
    const at = this.#settings.clock.wall();
    this.#events.publish({ at, ...event } as ChatEvent);
  }
}
