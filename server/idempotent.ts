import type { Request } from "../protocol/message.ts";

/** A function that does not know, or throws, says no: that is always safe. */
export function cautious(
  idempotent: ((request: Request) => boolean) | undefined,
): (request: Request) => boolean {
  return (request) => {
    try {
      return idempotent?.(request) === true;
    } catch {
      return false;
    }
  };
}
