/**
 * What a {@linkcode CypherError} can say, one word each:
 *
 * | code | meaning |
 * |---|---|
 * | `ABORTED` | the caller's `signal` aborted the operation |
 * | `ANSWER_LOST` | the request was executed, its answer is no longer kept |
 * | `ANSWER_TOO_LARGE` | the request was executed, its answer is over the limit |
 * | `BAD_OPTION` | an option, a flag or a key is not of the form it must have |
 * | `BAD_MESSAGE` | a token opened, but holds no message |
 * | `BAD_TOKEN` | a token did not open, was a reflection, or was a repeat |
 * | `CLOSED` | the client or server was closed |
 * | `CONNECT_FAILED` | the allowed number of dial attempts was used up, there is no `--allow-net`, or no TLS came about |
 * | `DEADLINE` | the request's deadline passed |
 * | `LISTEN_FAILED` | the address could not be listened on |
 * | `NO_ANSWER` | the peer closed the connection without an answer, repeatedly |
 * | `OUTCOME_UNKNOWN` | the server restarted: the request may have been executed |
 * | `QUEUE_FULL` | the client's queue holds as many requests as it may |
 * | `REFUSED` | the server refuses connections for now: it is busy or draining, full, or refuses the address |
 * | `REPLACED` | somebody else connected with this client's secret |
 * | `STATUS` | the peer answered with a failure status, see {@linkcode CypherStatus} |
 * | `TOO_LARGE` | a message is over the limit |
 * | `UNAUTHORIZED` | the server does not accept the keys |
 * | `UNSENDABLE` | JSON cannot carry a value, or a message has an unknown key |
 * | `WIRE_MISMATCH` | the server does not speak the wire that was asked for |
 */
export type CypherErrorCode =
  | "ABORTED"
  | "ANSWER_LOST"
  | "ANSWER_TOO_LARGE"
  | "BAD_OPTION"
  | "BAD_MESSAGE"
  | "BAD_TOKEN"
  | "CLOSED"
  | "CONNECT_FAILED"
  | "DEADLINE"
  | "LISTEN_FAILED"
  | "NO_ANSWER"
  | "OUTCOME_UNKNOWN"
  | "QUEUE_FULL"
  | "REFUSED"
  | "REPLACED"
  | "STATUS"
  | "TOO_LARGE"
  | "UNAUTHORIZED"
  | "UNSENDABLE"
  | "WIRE_MISMATCH";

/**
 * Every error this library raises. `code` is stable across versions; the
 * message is for people. Neither ever holds a key, a token or a payload.
 *
 * @example
 * ```ts
 * import { CypherError } from "@cypher/protocol";
 *
 * const error = new CypherError("CLOSED", "The client is closed");
 * if (error.code === "CLOSED") console.log(error.message);
 * ```
 */
export class CypherError extends Error {
  /** The error class's name, `"CypherError"`. */
  override name = "CypherError";
  /** What went wrong, in one stable word. */
  readonly code: CypherErrorCode;
  /** Which limit it is over, as `limits` calls it, if that is what is wrong. */
  declare readonly limit?: string;

  /** Makes an error; `options.cause` is the error behind this one. */
  constructor(
    code: CypherErrorCode,
    message: string,
    options?: ErrorOptions & { limit?: string },
  ) {
    super(message, options);
    this.code = code;
    if (options?.limit !== undefined) this.limit = options.limit;
  }
}

/**
 * A failure status: a handler throws it to answer with a status of its own, and
 * the client's `request()` rejects with it. On the wire it is the answer's
 * `STATUS`: `{"code": status, "message": message}`.
 *
 * The protocol's own statuses are `BAD_REQUEST`, `HANDLER_FAILED`, `DEADLINE`
 * and, on the classic wire, `ANSWER_LOST` and `OUTCOME_UNKNOWN`; applications
 * define theirs beside them.
 *
 * @example
 * ```ts
 * import { CypherStatus } from "@cypher/protocol";
 *
 * const handler = () => {
 *   throw new CypherStatus("NOT_FOUND", "No such sensor", { sensor: 7 });
 * };
 * ```
 */
export class CypherStatus extends CypherError {
  /** The error class's name, `"CypherStatus"`. */
  override name = "CypherStatus";
  /** The status code, such as `"NOT_FOUND"`. */
  readonly status: string;
  /** The answer's DATA: any JSON value. */
  readonly data: unknown;

  /** Makes a status; `message` and `data` are sent to the peer. */
  constructor(status: string, message = status, data: unknown = null) {
    super("STATUS", message);
    this.status = status;
    this.data = data;
  }
}
