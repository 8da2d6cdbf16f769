/**
 * A page without a browser, in a process of its own: follows the event stream
 * at the address given, and says that it reads.
 *
 * @module
 */
const url = Deno.args[0]!;
const answer = await fetch(`${url}events`);
let text = "";
let stream: string | undefined;
for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
  text += part;
  if (stream === undefined) {
    stream = /"stream":"([^"]+)"/.exec(text)?.[1];
    // deno-lint-ignore no-console
    if (stream !== undefined) console.log("open");
  }
  if (stream !== undefined && text.includes("event: heartbeat")) {
    const kept = await fetch(`${url}events/${stream}`, { method: "POST" });
    await kept.body?.cancel();
  }
  text = text.slice(text.lastIndexOf("\n\n"));
}
