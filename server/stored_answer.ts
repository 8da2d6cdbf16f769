/** A request's answer, ready to be sealed. */
export interface StoredAnswer {
  /** The answer's JSON text, ASCII alone. */
  readonly text: string;
  /** Its status code, `"OK"` for success. */
  readonly status: string;
  /** What the status says to people. */
  readonly message: string;
}
