import type { SegmentClientStep } from "./signals.ts";

/** What the C client prints at each step. */
export const STEP_LINES: Readonly<Record<SegmentClientStep, string>> = {
  "syn-sent": "1) SYN sent.",
  "syn-ack-received": "2) SYN-ACK received.",
  "ack-sent": "3) ACK sent.",
  "payload-received": "1) Client received payload.",
  "payload-intact": "2) Client received integral payload.",
};

/** The lines of a stream of bytes, as they come; the last may lack its end. */
export async function* lines(
  input: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const text of input.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split(/\r?\n/);
    rest = parts.pop()!;
    yield* parts;
  }
  if (rest !== "") yield rest;
}

/**
 * Bytes as text for a terminal: control characters are replaced, as a peer
 * could otherwise move the cursor or rewrite what is on the screen.
 */
export function printable(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (one) => one === "\t" ? one : "\u{fffd}",
  );
}
