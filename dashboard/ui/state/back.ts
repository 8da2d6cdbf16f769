/** What opened a stream. */
export type Opening = "snapshot" | "resume" | "reset";

/**
 * What to tell the user once the stream is back, if anything: a gap that was
 * neither noticed nor lost anything is not worth a word.
 */
export function backMessage(
  opening: Opening,
  before: string | null,
  after: string,
  noticed: boolean,
): string | null {
  if (before === null) return null;
  if (before !== after) {
    return "Back. The server was restarted; counts start anew.";
  }
  if (opening === "reset") {
    return "Back. Some signals were lost; the view is fresh.";
  }
  return noticed ? "Back. Nothing was missed." : null;
}

/** How long to wait before try number `failures`, in ms. */
export function retryDelay(failures: number): number {
  return [1000, 2000, 3000, 5000][failures - 1] ?? 8000;
}
