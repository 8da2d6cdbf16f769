import { CypherError } from "./errors.ts";

/**
 * What the system has against a file, as an error that says which file: the
 * system's own may not. Other errors are given back as they are.
 */
export function fileError(
  action: "make" | "read",
  file: string,
  error: unknown,
): unknown {
  const { code, message } = error as { code?: unknown; message: string };
  // Such as EACCES; what Deno does not permit has none, and says what to do.
  if (typeof code !== "string" || !/^E[A-Z]+$/.test(code)) return error;
  const reason = message.replace(/: \w+ '.*'$/, "");
  return new CypherError(
    "BAD_OPTION",
    `Cannot ${action} ${file}: ${reason}`,
    { cause: error },
  );
}
