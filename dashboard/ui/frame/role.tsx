import { signOut } from "../state/api.ts";
import { server } from "../state/store.ts";

/** What the viewer may do, and the way out where there was a way in. */
export function Role() {
  const facts = server.value;
  return (
    <span class="role">
      <span>{facts?.role ?? ""}</span>
      {facts?.signedIn && (
        <button type="button" class="link-button" onClick={signOut}>
          Sign out
        </button>
      )}
    </span>
  );
}
