/** By convention 128 and the signal's number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process. */
export function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    let again = false;
    const listen = (signal: keyof typeof EXIT_CODES) =>
      Deno.addSignalListener(signal, () => {
        if (again) Deno.exit(EXIT_CODES[signal]);
        again = true;
        resolve();
      });
    listen("SIGINT");
    // Windows knows no other.
    if (Deno.build.os !== "windows") listen("SIGTERM");
  });
}
