/**
 * A handler for tests of several threads, each of which imports it for itself.
 */

import type { JsonValue, Request, RequestContext } from "../../mod.ts";

/** Tells the threads apart. */
const THREAD = crypto.randomUUID();

/** What a request of the tests asks for. */
export interface Asked {
  /** Where a line says that it begins, and that it is done: see Line. */
  file?: string;
  /** Answers after so many ms. */
  pause?: number;
  /** Answers once somebody posts anything to the channel of this name. */
  until?: string;
  /** Ends the thread: by an error that nobody catches, or by closing itself. */
  die?: "throw" | "reject" | "close" | "exit";
  /** Works for so many ms. */
  burn?: number;
  /** Fails with this message. */
  fail?: string;
  /** Given back. */
  echo?: JsonValue;
}

/** What its answer says. */
export interface Told {
  thread: string;
  connection: string;
  echo: JsonValue;
}

/** What a handler notes in a file. */
export interface Line {
  what: "begin" | "done";
  /** Tells the request from every other. */
  identity: string;
  echo: JsonValue | undefined;
  thread: string;
}

/** Whether a request may be executed twice. */
export function idempotent({ path }: Request): boolean {
  return path === "/IDEMPOTENT";
}

export default async function handler(
  { data }: Request,
  { identity, connection, signal }: RequestContext,
): Promise<{ data: unknown }> {
  const asked = (data ?? {}) as Asked;
  const note = (what: Line["what"]) => {
    if (asked.file === undefined) return;
    const line: Line = { what, identity, echo: asked.echo, thread: THREAD };
    const text = JSON.stringify(line) + "\n";
    Deno.writeTextFileSync(asked.file, text, { append: true });
  };
  note("begin");
  if (asked.burn !== undefined) {
    const end = performance.now() + asked.burn;
    while (performance.now() < end);
  }
  if (asked.fail !== undefined) {
    throw new Error(asked.fail, { cause: "the cause of it" });
  }
  if (asked.pause !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, asked.pause));
  }
  if (asked.until !== undefined) await said(asked.until, signal);
  if (asked.die !== undefined) await dying(asked.die);
  note("done");
  return { data: { thread: THREAD, connection, echo: asked.echo ?? null } };
}

/** Ends the thread, in a tick of its own: all that was done before is told. */
function dying(how: NonNullable<Asked["die"]>): Promise<never> {
  return new Promise(() => {
    setTimeout(() => {
      switch (how) {
        case "throw":
          throw new Error("This thread is to die");
        case "reject":
          Promise.reject(new Error("This thread is to die"));
          break;
        case "close":
          self.close();
          break;
        case "exit":
          Deno.exit(1);
      }
    });
  });
}

/** Resolves once anything is said in a channel, or nobody waits any more. */
async function said(name: string, signal: AbortSignal): Promise<void> {
  const channel = new BroadcastChannel(name);
  const report = new BroadcastChannel(`${name} of handlers`);
  report.postMessage("waits");
  await new Promise<void>((resolve) => {
    channel.onmessage = () => resolve();
    signal.addEventListener("abort", () => {
      report.postMessage("aborted");
      resolve();
    });
  });
  channel.close();
  report.close();
}
