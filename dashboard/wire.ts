const encoder = new TextEncoder();

/** What starts each stream: how soon a browser comes back, in ms. */
export const PREAMBLE: Uint8Array<ArrayBuffer> = encoder.encode(
  "retry: 1000\n\n",
);

/** A sign of life: for proxies a comment, for the page an event. */
export const HEARTBEAT: Uint8Array<ArrayBuffer> = encoder.encode(
  ": heartbeat\n\nevent: heartbeat\ndata:\n\n",
);

/**
 * An event's first part, up to what is shared between streams: `own` is an
 * object of fields, and the shared part the rest of that same object.
 *
 * JSON has no raw line breaks, so whatever peers send stays in its line.
 */
export function head(
  event: string,
  id: string,
  own: object,
): Uint8Array<ArrayBuffer> {
  const fields = JSON.stringify(own).slice(0, -1);
  return encoder.encode(`id: ${id}\nevent: ${event}\ndata: ${fields},`);
}

/** An event's shared part, with its end: the fields of a non-empty object. */
export function tail(shared: object): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${JSON.stringify(shared).slice(1)}\n\n`);
}

/** Both parts as one. */
export function join(
  first: Uint8Array<ArrayBuffer>,
  second: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
