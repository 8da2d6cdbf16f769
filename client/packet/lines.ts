/** The lines of a text stream, without what ends them; the last may be cut. */
export async function* lines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const complete = (rest + text).split(/\r?\n/);
    rest = complete.pop() ?? "";
    yield* complete;
  }
  if (rest) yield rest;
}
