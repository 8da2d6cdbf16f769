import { CypherError } from "../../protocol/errors.ts";
import type { Question } from "../../protocol/segment/delivery.ts";
import type { Step } from "../../protocol/segment/handshake.ts";
import type { SegmentOfflineReason } from "./signals.ts";

/** The handshake failed at a step. */
export function refused(step: Step, problem: string): CypherError {
  return new CypherError(
    "CONNECT_FAILED",
    `Cannot finish the handshake. ${step}: ${problem}`,
  );
}

/** The connection ended, at a step of the handshake or after it. */
export function endedEarly(
  reason: SegmentOfflineReason,
  step: Step | undefined,
): CypherError {
  if (reason === "closed") return closed();
  if (step) return refused(step, `the connection ended there: ${reason}`);
  return new CypherError(
    "NO_ANSWER",
    `The connection ended before the answer was settled: ${reason}`,
  );
}

/** The answer did not come, or did not come right, in time. */
export function noAnswer(timeout: number): CypherError {
  return new CypherError(
    "DEADLINE",
    `No answer was settled within ${timeout} ms`,
  );
}

/** The answer was sent as often as it may be, and never right. */
export function damaged(question: Question, resends: number): CypherError {
  const problem = question === "arrived" ? "did not arrive" : "was damaged";
  return new CypherError(
    "BAD_MESSAGE",
    `The answer ${problem} (re-sends allowed: ${resends})`,
  );
}

/** The program closed the client. */
export function closed(): CypherError {
  return new CypherError("CLOSED", "The client is closed");
}

/** The caller's signal aborted. */
export function aborted(signal: AbortSignal): CypherError {
  return new CypherError("ABORTED", "The caller aborted it", {
    cause: signal.reason,
  });
}
