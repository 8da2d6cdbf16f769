/** Resolves at the first interrupt; a second one ends the process. */
export function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    let again = false;
    const interrupt = () => {
      if (again) Deno.exit(130);
      again = true;
      resolve();
    };
    Deno.addSignalListener("SIGINT", interrupt);
    if (Deno.build.os !== "windows") {
      Deno.addSignalListener("SIGTERM", interrupt);
    }
  });
}
