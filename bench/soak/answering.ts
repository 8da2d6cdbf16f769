/** The child's side of {@linkcode Child}: a program that answers questions. */
import { CypherError } from "../../mod.ts";
import { linesOf } from "./lines.ts";

/** A question, one line on standard input. */
export interface Question {
  /** Its answer says the same number. */
  readonly id: number;
  /** Which question it is. */
  readonly question: string;
  /** What it is about. */
  readonly argument: unknown;
}

/** Its answer, one line on standard output; number 0 says that it is ready. */
export type Answered =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string; readonly code: string };

/** What the program was started with. */
export function given<T>(): T {
  return JSON.parse(Deno.args[0]!, (_, value) =>
    // JSON has no word for it.
    value === "Infinity" ? Infinity : value);
}

/**
 * Makes what the program is about, says that it is ready, and answers until
 * whoever started it is gone.
 */
export async function answering(
  // deno-lint-ignore no-explicit-any
  make: () => Promise<Record<string, (argument: any) => unknown>>,
): Promise<void> {
  let answers;
  try {
    answers = await make();
  } catch (error) {
    say(failure(0, error));
    return;
  }
  say({ id: 0, value: true });
  for await (const line of linesOf(Deno.stdin.readable)) {
    const { id, question, argument }: Question = JSON.parse(line);
    (async () => {
      try {
        say({ id, value: await answers[question]!(argument) ?? null });
      } catch (error) {
        say(failure(id, error));
      }
    })();
  }
  Deno.exit();
}

function failure(id: number, error: unknown): Answered {
  return {
    id,
    error: String(error),
    code: error instanceof CypherError ? error.code : "",
  };
}

function say(answer: Answered): void {
  // deno-lint-ignore no-console
  console.log(JSON.stringify(answer));
}
