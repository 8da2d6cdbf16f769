import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  CypherClient,
  CypherError,
  type Reply,
  type RequestInit,
} from "../mod.ts";
import {
  clientKeys,
  HeldTimers,
  makeClient,
  serverKeys,
  startServer,
  until,
} from "./support/cypher.ts";
import { availablePort } from "./support/program.ts";

/** A port at which nobody answers. */
const nowhere = () => ({ hostname: "127.0.0.1", port: availablePort() });

async function errorOf(asked: Promise<unknown>): Promise<CypherError> {
  return await assertRejects(() => asked, CypherError);
}

/** What a deadline says that passes once an attempt to connect has failed. */
async function overdue(
  address: Parameters<typeof makeClient>[0],
  options: Parameters<typeof makeClient>[1] = {},
): Promise<string> {
  const timers = new HeldTimers(500);
  await using client = makeClient(address, {
    ...options,
    clock: timers.clock,
    backoff: { first: 60_000, max: 60_000 },
  });
  const asked = errorOf(client.request({}, { deadline: 500 }));
  await until("an attempt has failed", () => client.state === "waiting");
  timers.fire();
  const { code, message } = await asked;
  assertEquals(code, "DEADLINE");
  return message;
}

Deno.test("a deadline says why there was no connection", async () => {
  const address = nowhere();
  assertStringIncludes(
    await overdue(address),
    `no answer within 500 ms. Cannot connect to 127.0.0.1:${address.port}: ` +
      "Connection refused",
  );
});

Deno.test("a deadline says that the keys are not accepted", async () => {
  await using server = await startServer(() => ({}), {
    wires: ["session"],
    limits: { badTokens: Infinity },
  });
  assertStringIncludes(
    await overdue(server.address, { wire: "session", ...serverKeys }),
    "The server does not accept the keys",
  );
});

Deno.test("a deadline asks for the keys where the classic wire only hangs up", async () => {
  await using server = await startServer(() => ({}), {
    limits: { badTokens: Infinity },
  });
  assertEquals(
    await overdue(server.address, {
      wire: "classic",
      encryptionKey: "x".repeat(32),
    }),
    "The request had no answer within 500 ms. The connection ended: " +
      "peer-closed. Do the keys match?",
  );
});

for (const wrong of ["all of it", "its second half"]) {
  Deno.test(`classic: an answer of another key, ${wrong}, says what to check`, async () => {
    const { decryptionKey } = clientKeys;
    const kept = wrong === "all of it" ? 0 : 16;
    await using server = await startServer(() => ({}));
    await using client = makeClient(server.address, {
      wire: "classic",
      decryptionKey: decryptionKey.slice(0, kept).padEnd(32, "x"),
    });
    const error = await errorOf(client.request({}));
    assertEquals(error.code, "BAD_TOKEN");
    assertStringIncludes(
      error.message,
      "Do the keys match? The decryptionKey here must be the server's " +
        "encryptionKey",
    );
  });
}

Deno.test("a deadline says nothing of a connection that is up", async () => {
  await using server = await startServer(() =>
    Promise.withResolvers<Reply>().promise
  );
  await using client = makeClient(server.address);
  const error = await errorOf(client.request({}, { deadline: 50 }));
  assertEquals(error.message, "The request had no answer within 50 ms");
  await server.stop({ grace: 0 });
});

Deno.test("an error's stack leads to who asked", async () => {
  await using server = await startServer(() => {
    throw new Error("of the handler");
  }, { onHandlerError() {} });
  await using client = makeClient(server.address);
  await using lost = makeClient(nowhere());
  async function inMyProgram(asked: CypherClient): Promise<void> {
    await asked.request({ path: "/A" }, { deadline: 5_000 });
  }
  async function elsewhereInIt(asked: CypherClient): Promise<void> {
    await asked.request({ path: "/B" });
  }
  const failed = await errorOf(inMyProgram(client));
  assertEquals(failed.code, "STATUS");
  assertStringIncludes(failed.stack!, "CypherStatus: The handler failed");
  assertStringIncludes(failed.stack!, "inMyProgram");
  // Those that end together end each in an error of its own.
  const both = [inMyProgram(lost), elsewhereInIt(lost)].map(errorOf);
  await lost.close();
  const [one, other] = await Promise.all(both);
  assertEquals([one!.code, other!.code], ["CLOSED", "CLOSED"]);
  assert(one !== other);
  assertStringIncludes(one!.stack!, "inMyProgram");
  assertStringIncludes(other!.stack!, "elsewhereInIt");
});

Deno.test("a request that is no object is refused", async () => {
  await using client = new CypherClient({ ...nowhere(), ...clientKeys });
  for (const request of [undefined, null, "/NUMBER", ["/NUMBER"], 1]) {
    const asked = client.request(request as unknown as RequestInit);
    const error = await errorOf(asked);
    assertEquals(error.code, "UNSENDABLE");
    assertStringIncludes(error.message, "a request is an object");
  }
});

Deno.test("an error shows no limit where there is none", () => {
  const error = new CypherError("CLOSED", "The client is closed");
  assert(!("limit" in error));
  assert(!Deno.inspect(error).includes("limit"));
});
