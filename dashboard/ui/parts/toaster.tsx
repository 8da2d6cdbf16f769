import { dismiss, toast } from "../state/toast.ts";
import { Icon } from "./icons.tsx";

/** One message, bottom centre. The regions stay, so that changes are read. */
export function Toaster() {
  const message = toast.value;
  return (
    <div class="toaster">
      <div role="status">
        {message && !message.error && <p class="toast">{message.text}</p>}
      </div>
      <div role="alert">
        {message?.error && (
          <p class="toast toast-error">
            <Icon name="failure" />
            <span>{message.text}</span>
            <button
              type="button"
              class="icon-button"
              aria-label="Dismiss"
              onClick={dismiss}
            >
              <Icon name="closed" />
            </button>
          </p>
        )}
      </div>
    </div>
  );
}
