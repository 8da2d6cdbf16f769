import { CypherError } from "../../protocol/errors.ts";

/** The error for a handler's module that cannot be used; `cause` says why. */
export function badHandler(
  url: string,
  problem: string,
  options?: ErrorOptions,
): CypherError {
  return new CypherError(
    "BAD_OPTION",
    `Cannot use the handler ${url}: ${problem}`,
    options,
  );
}
