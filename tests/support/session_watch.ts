/**
 * Sees what session clients and servers keep to themselves, by listening in on
 * their methods: only a test may know it.
 */

import { SessionState } from "../../client/session/session_state.ts";
import { Journal } from "../../server/journal.ts";
import { ClientRegistry } from "../../server/session/client_registry.ts";
import { randomFrom } from "./cypher.ts";

/** Who is told. */
export interface Watcher {
  /** A client's connection is proven. */
  connected(client: string, server: string): void;
  /** A client learns that it was forgotten. */
  forgotten(client: string): void;
  /** A client writes a request, perhaps again. */
  written(client: string, id: number, data: unknown): void;
  /** A registry is in use. */
  registry(registry: ClientRegistry): void;
  /** A journal has taken a note, and not committed it. */
  noted(): void;
}

/** Tells of everything until it is disposed. */
export function watch(watcher: Watcher): Disposable {
  const undo = new DisposableStack();
  undo.use(replace(SessionState.prototype, "connected", (original) => {
    return function (this: SessionState, server, known) {
      watcher.connected(this.clientId, server);
      return original.call(this, server, known);
    };
  }));
  undo.use(replace(SessionState.prototype, "forgotten", (original) => {
    return function (this: SessionState) {
      watcher.forgotten(this.clientId);
      return original.call(this);
    };
  }));
  undo.use(replace(SessionState.prototype, "next", (original) => {
    return function (this: SessionState, window) {
      const next = original.call(this, window);
      if (next?.kind === "request") {
        watcher.written(this.clientId, next.id, next.request.request.data);
      }
      return next;
    };
  }));
  undo.use(replace(ClientRegistry.prototype, "claim", (original) => {
    return function (this: ClientRegistry, ...args) {
      watcher.registry(this);
      return original.apply(this, args);
    };
  }));
  for (const method of ["start", "end"] as const) {
    undo.use(replace(Journal.prototype, method, (original) => {
      return function (this: Journal, ...args: unknown[]) {
        (original as (...args: unknown[]) => void).apply(this, args);
        watcher.noted();
      };
    }));
  }
  return undo;
}

/** Clients' ids too are the seed's: a journal gives back what it has by them. */
export function seededSecrets(seed: number): Disposable {
  const random = randomFrom(seed);
  const original = crypto.getRandomValues;
  const fill = <T extends ArrayBufferView | null>(array: T): T => {
    const { buffer, byteOffset, byteLength } = array!;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = random() * 256;
    return array;
  };
  return replace(crypto, "getRandomValues", () => fill as typeof original);
}

function replace<T extends object, K extends keyof T>(
  holder: T,
  name: K,
  make: (original: T[K]) => T[K],
): Disposable {
  const original = holder[name];
  holder[name] = make(original);
  return { [Symbol.dispose]: () => void (holder[name] = original) };
}
