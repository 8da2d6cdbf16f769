import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { visible } from "../format/text.ts";
import { Mark } from "../parts/mark.tsx";
import { signIn } from "../state/api.ts";
import { link } from "../state/link.ts";
import { server } from "../state/store.ts";
import { retryNow } from "../state/stream.ts";
import { disconnecting, helping } from "../state/view.ts";

/** Asks for the token. The error line keeps its place when empty. */
export function Login() {
  const field = useRef<HTMLInputElement>(null);
  const busy = useSignal(false);
  const error = useSignal("");
  const slowedUntil = useSignal(0);
  const at = link.value;
  const ended = at.kind === "login" && at.ended;
  useEffect(() => {
    // A question asked before should not come back after.
    disconnecting.value = null;
    helping.value = false;
    field.current?.focus();
  }, []);
  useCountdown(slowedUntil, error);

  const submit = async (event: Event) => {
    event.preventDefault();
    const token = field.current?.value ?? "";
    if (!token || busy.value || slowedUntil.value > 0) return;
    busy.value = true;
    error.value = "";
    const result = await signIn(token);
    busy.value = false;
    if (result.kind === "done") return retryNow();
    if (result.kind === "slowed") {
      slowedUntil.value = performance.now() + result.seconds * 1000;
    } else if (result.kind === "wrong") {
      error.value = "That token is not right. Check for a missing character.";
      field.current?.select();
    } else {
      error.value = `Signing in failed: ${result.reason}.`;
    }
  };

  return (
    <main class="login">
      <form onSubmit={submit}>
        <p class="login-name">
          <Mark />
          <span>{visible(server.value?.name ?? "Cypher dashboard")}</span>
        </p>
        <h1 class="login-title">
          {ended ? "Your session ended. Sign in again." : "Sign in"}
        </h1>
        <label for="token">Access token</label>
        <input
          ref={field}
          id="token"
          type="password"
          autocomplete="current-password"
          aria-describedby="token-hint token-error"
          aria-invalid={error.value !== ""}
        />
        <p class="login-hint" id="token-hint">
          The one this server was started with.
        </p>
        <p class="login-error" id="token-error" role="alert">{error.value}</p>
        <button
          type="submit"
          class="button button-filled"
          disabled={busy.value || slowedUntil.value > 0}
        >
          Open dashboard
        </button>
      </form>
    </main>
  );
}

/** Counts down in the error line until another try is allowed. */
function useCountdown(
  until: { value: number },
  error: { value: string },
): void {
  useEffect(() => {
    if (until.value === 0) return;
    const step = () => {
      const seconds = Math.ceil((until.value - performance.now()) / 1000);
      if (seconds > 0) {
        error.value = `Too many tries. Try again in ${seconds} s.`;
        return;
      }
      error.value = "";
      until.value = 0;
    };
    step();
    const timer = setInterval(step, 250);
    return () => clearInterval(timer);
  }, [until.value]);
}
