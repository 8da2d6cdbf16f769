import { complaintOf } from "../../protocol/command_line.ts";

/**
 * Runs a server's command to the end of this process: with the exit code that
 * it gives, 0 without one, or 1 after a complaint about what it threw.
 *
 * Left to end by itself, Deno stops listening for signals a moment before it is
 * gone: the echo of the Ctrl-C that stopped a server would then end it with 130.
 */
export async function run(
  command: () => Promise<number | void>,
  complaint: (error: unknown) => unknown = complaintOf,
  exit: (code: number) => void = Deno.exit,
): Promise<void> {
  let code: number;
  try {
    code = await command() ?? 0;
  } catch (error) {
    // deno-lint-ignore no-console
    console.error(complaint(error));
    code = 1;
  }
  exit(code);
}
