import type { CypherError } from "../../protocol/errors.ts";

/** How soon after its start a thread that dies was no good, in ms. */
const SOON = 1_000;
/** How long to wait after such a one, at first and at most, in ms. */
const PAUSE = 100;
const LONGEST_PAUSE = 1_000;

/**
 * Starts threads for those that died: at once, or after a while that grows if
 * they die, or fail, right at their start.
 */
export class Replacements {
  #pause = 0;
  #waiting = new Set<ReturnType<typeof setTimeout>>();
  #stopped = false;

  /**
   * `lived`: for how long, in ms, the thread did that `start` replaces. Of the
   * tries that fail in a row `failed` is told why the first did.
   */
  add(
    lived: number,
    start: () => Promise<unknown>,
    failed: (error: CypherError) => void = () => {},
  ): void {
    if (this.#stopped) return;
    this.#pause = lived >= SOON
      ? 0
      : Math.min(2 * this.#pause || PAUSE, LONGEST_PAUSE);
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      start().catch((error) => {
        if (this.#stopped) return;
        failed(error);
        this.add(0, start);
      });
    }, this.#pause);
    this.#waiting.add(timer);
  }

  /** Starts no more. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#waiting) clearTimeout(timer);
  }
}
