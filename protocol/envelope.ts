/** A value, or a promise of it where the work was worth leaving the thread. */
export type MaybePromise<T> = T | Promise<T>;

/** A message that was opened. */
export interface Opened {
  /** What was inside. */
  readonly plain: Uint8Array;
  /** What tells this sealing from every other: its authentication tag. */
  readonly identity: Uint8Array;
}

/**
 * What stands between plaintext and the wire. One envelope serves one end of
 * one wire; small messages come back at once, large ones as promises.
 */
export interface Envelope {
  /** Encrypts and authenticates; the result is what goes on the wire. */
  seal(plain: Uint8Array): MaybePromise<Uint8Array>;
  /**
   * Verifies and decrypts one whole message.
   *
   * @throws {CypherError} `BAD_TOKEN` if it was not sealed by the other end.
   */
  open(sealed: Uint8Array): MaybePromise<Opened>;
}
