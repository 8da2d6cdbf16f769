import { assertEquals, assertStringIncludes } from "@std/assert";
import { addressOf } from "../protocol/address.ts";
import { CypherClient } from "../mod.ts";
import { Log } from "../server/log/log.ts";
import { sayListening } from "../server/serve/say_listening.ts";
import { clientKeys, errorOf } from "./support/cypher.ts";

Deno.test("an address is written with a port as in a URL", () => {
  for (const hostname of ["127.0.0.1", "localhost", "gate.example"]) {
    assertEquals(addressOf({ hostname, port: 80 }), `${hostname}:80`);
  }
  for (const hostname of ["::1", "fe80::1%eth0"]) {
    assertEquals(addressOf({ hostname, port: 80 }), `[${hostname}]:80`);
  }
  assertEquals(addressOf({ hostname: "[::1]", port: 80 }), "[::1]:80");
});

Deno.test("what listens on IPv6, or cannot be reached there, is written so", async () => {
  const lines: string[] = [];
  using log = new Log({ format: "pretty", write: (line) => lines.push(line) });
  sayListening(log, "Chat", { transport: "tcp", hostname: "::1", port: 1337 });
  assertStringIncludes(lines.join(), "Chat listens on [::1]:1337");

  await using client = new CypherClient({
    ...clientKeys,
    hostname: "::1",
    port: 9,
    attempts: 1,
    dial: () => Promise.reject(new Error("no")),
  });
  const { message } = await errorOf(client.connect());
  assertStringIncludes(message, "Cannot connect to [::1]:9: ");
});
