/**
 * Mutated input for everything that reads what a classic peer sent. Half of it
 * is mutated on the wire, where the token's authentication stops it, and half
 * before it is sealed, as by a peer with the keys and bad intentions.
 *
 * CYPHER_LONG=1 runs 1,000,000 inputs instead of 20,000; CYPHER_SEED=n runs
 * others. A failure prints what makes it happen again.
 */

import { assert, assertEquals } from "@std/assert";
import { asciiBytes } from "../../protocol/ascii.ts";
import { ClassicEnvelope } from "../../protocol/classic.ts";
import { systemClock } from "../../protocol/clock.ts";
import { CypherError } from "../../protocol/errors.ts";
import { readRequest } from "../../protocol/read_message.ts";
import {
  writeFailure,
  writeReply,
  writeRequest,
} from "../../protocol/write_message.ts";
import { NulSplitter } from "../../protocol/nul_splitter.ts";
import { answerIn, requestIn } from "../../protocol/payload.ts";
import {
  clientKeys,
  serverKeys,
  startServer,
  Wire,
} from "../support/cypher.ts";
import {
  chunksOf,
  codeOf,
  concat,
  equal,
  fuzz,
  type Kind,
  mutate,
  Random,
} from "../support/fuzz.ts";

const LONG = Deno.env.get("CYPHER_LONG") === "1";
const INPUTS = LONG ? 1_000_000 : 20_000;
const MESSAGES = LONG ? 20_000 : 1_000;
const SEED = Number(Deno.env.get("CYPHER_SEED") ?? 1);
const LIMIT = 1_500;
const DEPTH = 8;

/** Requests that leave little of JSON out. */
function someRequest(random: Random): string {
  return writeRequest({
    path: random.pick(["/", "/NUMBER", "/\u{1f600}", ""]),
    operation: random.pick(["READ", "UPDATE", "NONE"]),
    data: random.pick<unknown>([
      null,
      { list: [1, 2.5, -3e-7, { deep: [[["x"]]] }] },
      "a\u0000b\ud800\u20ac".repeat(random.below(10)),
      [2 ** 53, 12345678901234567890n.toString(), true],
      JSON.parse('{"__proto__":{"a":1},"constructor":[],"":0}'),
    ]),
    metadata: { "trace": "00-" + "a".repeat(random.below(40)) },
  });
}

/** Both ends' envelopes, for as long as a test takes. */
class Ends implements Disposable {
  readonly client = envelope("client");
  readonly server = envelope("server");

  /** Messages that were changed on their way: none that was not sent. */
  readonly tokensOnTheWire: Kind = (random) => {
    const sent: Uint8Array[] = [];
    const tokens: Uint8Array[] = [];
    for (let n = random.below(3); n >= 0; n--) {
      const plain = asciiBytes(someRequest(random));
      sent.push(plain);
      tokens.push(now(this.client.seal(plain)));
    }
    const changed = mutate(concat(...tokens), random);
    const opened: Uint8Array[] = [];
    const code = codeOf(() => {
      for (const token of split(changed, random)) {
        opened.push(now(this.server.open(token)).plain);
      }
    });
    for (const plain of opened) {
      assert(sent.some((one) => equal(one, plain)), "nobody sent that");
    }
    return code;
  };

  /** Requests that a holder of the key changed: of their form, or refused. */
  readonly requestsInside: Kind = (random) => {
    const plain = mutate(asciiBytes(someRequest(random)), random);
    const sealed = now(this.client.seal(plain));
    const [token] = split(sealed, random);
    const opened = now(this.server.open(token!)).plain;
    assert(equal(opened, plain));
    const request = requestIn(opened, DEPTH);
    if (request instanceof CypherError) return request.code;
    assertEquals(typeof request.path, "string");
    assertEquals(typeof request.operation, "string");
    assertEquals(Object.getPrototypeOf(request), Object.prototype);
    // What it says can be said again, and is the same then.
    const again = readRequest(writeRequest(request), DEPTH + 1);
    assertEquals(JSON.stringify(again), JSON.stringify(request));
    writeReply(request, { data: request.data });
    return "";
  };

  /** Answers that a holder of the key changed: of their form, or refused. */
  readonly answersInside: Kind = (random) => {
    const request = readRequest(someRequest(random), DEPTH);
    const answer = random.below(3) === 0
      ? writeFailure(request, { code: "NOT_FOUND", message: "None" })
      : writeReply(request, { data: request.data });
    const plain = mutate(asciiBytes(answer), random);
    const [token] = split(now(this.server.seal(plain)), random);
    const opened = now(this.client.open(token!)).plain;
    assert(equal(opened, plain));
    const read = answerIn(opened, request, DEPTH);
    return read instanceof CypherError ? read.code : "";
  };

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
    this.server[Symbol.dispose]();
  }
}

function envelope(role: "client" | "server"): ClassicEnvelope {
  const keys = role === "client" ? clientKeys : serverKeys;
  return new ClassicEnvelope({
    role,
    ...keys,
    maxAge: Infinity,
    clock: systemClock,
  });
}

/** Small messages are sealed and opened at once. */
function now<T>(value: T | Promise<T>): T {
  assert(!(value instanceof Promise));
  return value;
}

/** The messages in bytes that come in chunks. */
function split(bytes: Uint8Array, random: Random): Uint8Array[] {
  const splitter = new NulSplitter(LIMIT);
  const messages: Uint8Array[] = [];
  for (const chunk of chunksOf(bytes, random)) {
    messages.push(...splitter.push(chunk).map((one) => one.slice()));
    assert(splitter.pending <= LIMIT);
  }
  if (splitter.overflowed) throw new CypherError("TOO_LARGE", "Over the limit");
  return messages;
}

Deno.test(`classic: ${INPUTS} mutated inputs`, async () => {
  using ends = new Ends();
  const { tokensOnTheWire, requestsInside, answersInside } = ends;
  const outcomes = await fuzz(INPUTS, SEED, [
    tokensOnTheWire,
    requestsInside,
    tokensOnTheWire,
    answersInside,
  ]);
  // Had the mutations no variety, they would show nothing.
  for (
    const outcome of [
      "tokensOnTheWire: BAD_TOKEN",
      "tokensOnTheWire: taken",
      "requestsInside: BAD_MESSAGE",
      "requestsInside: taken",
      "answersInside: BAD_MESSAGE",
      "answersInside: STATUS",
      "answersInside: taken",
    ]
  ) {
    assert((outcomes.get(outcome) ?? 0) >= INPUTS / 1_000, outcome);
  }
});

Deno.test(`classic: a server takes ${MESSAGES} mutated messages and serves on`, async () => {
  const errors: unknown[] = [];
  await using server = await startServer(({ data }) => ({ data }), {
    onHandlerError: (error) => errors.push(error),
    // Half of them do not open: they would be refused before long.
    limits: { badTokens: Infinity },
  });
  const random = new Random(SEED);
  let answered = 0;
  let refused = 0;
  for (let i = 0; i < MESSAGES; i++) {
    using wire = await Wire.dial(server.address);
    const inside = i % 2 === 0;
    const request = asciiBytes(someRequest(random));
    const plain = inside ? mutate(request, random) : request;
    const sealed = await wire.seal(plain.slice());
    // With a NUL behind it, whatever was changed: it has an end.
    const sent = inside
      ? sealed
      : concat(mutate(sealed, random), new Uint8Array(1));
    await wire.send(sent);
    const token = await wire.token();
    if (token === null) refused++;
    else answered++;
    assert(!inside || token !== null, "a token that opens has an answer");
  }
  assert(answered >= MESSAGES / 2 && refused > 0, `${answered}, ${refused}`);
  assertEquals(errors, []);
  using wire = await Wire.dial(server.address);
  assertEquals((await wire.ask({ DATA: 7 }) as { DATA: number }).DATA, 7);
});
