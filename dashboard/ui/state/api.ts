import type { ConnectionDetail } from "../../contract.ts";
import { server } from "./store.ts";
import { signedOut } from "./stream.ts";

/** How a sign-in ended. */
export type SignIn =
  | { readonly kind: "done" }
  | { readonly kind: "wrong" }
  | { readonly kind: "slowed"; readonly seconds: number }
  | { readonly kind: "failed"; readonly reason: string };

/** A connection of the server that the page shows, not of its successor. */
const at = (id: string): string =>
  `./api/connections/${
    encodeURIComponent(id)
  }?instance=${server.peek()?.instance}`;

async function call(url: string, init?: RequestInit): Promise<Response> {
  const answer = await fetch(url, { cache: "no-store", ...init });
  if (answer.status === 401 && !url.endsWith("/login")) signedOut(true);
  return answer;
}

/** A connection's drawer; null when the server no longer knows it. */
export async function detail(
  id: string,
  signal: AbortSignal,
): Promise<ConnectionDetail | null> {
  const answer = await call(at(id), { signal });
  if (!answer.ok) {
    await answer.body?.cancel();
    return null;
  }
  return await answer.json();
}

/** Disconnects; returns why it failed, or null. */
export async function disconnect(id: string): Promise<string | null> {
  try {
    const answer = await call(at(id), { method: "DELETE" });
    if (answer.ok) return null;
    if (answer.status === 404) return "it has already left";
    if (answer.status === 403) return "this session is read-only";
    return reason(await answer.json().catch(() => null), answer.status);
  } catch {
    return "the server did not answer";
  }
}

/** Trades the token for a cookie. */
export async function signIn(token: string): Promise<SignIn> {
  try {
    const answer = await call("./api/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (answer.ok) return { kind: "done" };
    if (answer.status === 401) return { kind: "wrong" };
    if (answer.status === 429) {
      const seconds = Number(answer.headers.get("Retry-After"));
      return { kind: "slowed", seconds: seconds > 0 ? seconds : 10 };
    }
    const body: unknown = await answer.json().catch(() => null);
    return { kind: "failed", reason: reason(body, answer.status) };
  } catch {
    return { kind: "failed", reason: "the server did not answer" };
  }
}

/** Gives the cookie back. */
export async function signOut(): Promise<void> {
  await fetch("./api/logout", { method: "POST" }).catch(() => null);
  signedOut(false);
}

function reason(body: unknown, status: number): string {
  return typeof body === "object" && body !== null && "error" in body
    ? String(body.error)
    : `the server answered ${status}`;
}
