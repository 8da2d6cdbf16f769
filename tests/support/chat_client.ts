import { ChatClient } from "../../client/chat/chat_client.ts";
import type { ChatEvent } from "../../client/chat/events.ts";
import type { ChatClientOptions } from "../../client/chat/options.ts";

/** How long a test waits for an event before it is wrong, in ms. */
const PATIENCE = 20_000;

/** A client, and what it tells, one event after the other. */
export class Listener implements AsyncDisposable {
  readonly client: ChatClient;
  #events: AsyncIterator<ChatEvent>;

  constructor(options: ChatClientOptions) {
    this.client = new ChatClient(options);
    this.#events = this.client.events();
  }

  /** Connects; what is told up to then is left for `hears`. */
  static async login(
    { port }: { port: number },
    name: string,
    options: Partial<ChatClientOptions> = {},
  ): Promise<Listener> {
    const listener = new Listener({ name, port, ...options });
    await listener.client.connect();
    return listener;
  }

  /** The next event of that kind, others left out. */
  async hears<K extends ChatEvent["kind"]>(
    kind: K,
  ): Promise<ChatEvent & { kind: K }> {
    for (;;) {
      const event = await this.next();
      if (event === undefined) throw new Error(`It ended before "${kind}"`);
      if (event.kind === kind) {
        return event as ChatEvent & { kind: K };
      }
    }
  }

  /** The next event; undefined once there are no more. */
  async next(): Promise<ChatEvent | undefined> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error("Nothing was told")),
      PATIENCE,
    );
    try {
      return (await Promise.race([this.#events.next(), promise])).value;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}
