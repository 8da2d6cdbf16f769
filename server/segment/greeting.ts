import { BLOCK_SIZE } from "../../protocol/segment/block.ts";
import type { Agreement } from "../../protocol/segment/data.ts";
import {
  initialSequence,
  type Step,
} from "../../protocol/segment/handshake.ts";
import { ServerHandshake } from "../../protocol/segment/server_handshake.ts";
import type { Connection } from "../connection.ts";
import type { OfflineReason } from "../signals.ts";
import type { Inlet } from "./inlet.ts";
import type { SegmentServerSettings } from "./options.ts";
import type { SegmentServerStep, TellStep } from "./steps.ts";

const TOLD: Readonly<Record<Step, SegmentServerStep["step"]>> = {
  "SYN": "syn-received",
  "SYN-ACK": "syn-ack-sent",
  "ACK": "ack-received",
};

/**
 * Takes a connection through the handshake, within its deadline. Undefined if
 * that fails: the connection is over then, and a `failure` names the step.
 */
export async function greet(
  connection: Connection,
  inlet: Inlet,
  settings: SegmentServerSettings,
  tell: TellStep,
): Promise<Agreement | undefined> {
  const { random, limits, bufferSize, resends, resendPause } = settings;
  const handshake = new ServerHandshake({
    isn: initialSequence(random),
    bufferLimit: limits.bufferBytes,
    bufferSize,
    resends,
  });
  connection.allow(settings.handshakeTimeout, "handshake-timeout");
  while (handshake.end === undefined) {
    const block = await inlet.block(BLOCK_SIZE);
    if (block === undefined) return left(connection, handshake.step);
    const { step } = handshake;
    const { reply, pause, done, problem } = handshake.receive(block);
    if (problem !== undefined) wrong(connection, step, problem);
    if (pause && !await inlet.pause(resendPause)) {
      wrong(connection, step, "the peer did not wait for the re-send");
      return void connection.end("protocol-error");
    }
    if (reply) await connection.write(reply);
    if (connection.ended) return left(connection, handshake.step);
    if (done) tell(TOLD[done]);
    if (connection.draining) return void connection.end("stopped");
  }
  if (handshake.end.kind === "open") return handshake.end.agreed;
  connection.end("protocol-error");
  return undefined;
}

function wrong(connection: Connection, step: Step, problem: string): void {
  connection.failure("BAD_HANDSHAKE", `${step}: ${problem}`);
}

/** Why a handshake ends without the peer's doing. */
const NO_FAULT: readonly OfflineReason[] = [
  "stopped",
  "disconnected",
  "crowded-out",
];

/** The connection ended too early: a failure, if that is the peer's fault. */
function left(connection: Connection, step: Step): undefined {
  const { state, bytesIn } = connection.info();
  // Who only looks whether somebody listens has done nothing wrong.
  if (bytesIn === 0) return;
  if (state.kind !== "closed") return;
  if (NO_FAULT.includes(state.reason)) return;
  wrong(connection, step, `the connection ended there: ${state.reason}`);
}
