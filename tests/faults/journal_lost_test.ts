import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeClient, within } from "../support/cypher.ts";
import { JournalFolder } from "../support/journal_folder.ts";
import { availablePort, Program } from "../support/program.ts";

const MAIN = new URL("../../server/main.ts", import.meta.url).pathname;

for (const threads of ["1", "2"]) {
  Deno.test({
    name: `a journal that is lost ends the program, ${threads} threads`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      using folder = new JournalFolder();
      const port = availablePort();
      await using server = new Program([
        "run",
        "--unstable-net",
        "-A",
        MAIN,
        "--port",
        `${port}`,
        "--http-port",
        "0",
        "--journal",
        folder.journal,
        "--threads",
        threads,
      ], {
        env: {
          CYPHER_ENCRYPTION_KEY: "server-to-client-key-of-32-chars",
          CYPHER_DECRYPTION_KEY: "client-to-server-key-of-32-chars",
        },
        // A disk that is full after 1 MiB.
        blocks: 2_048,
      });
      await within("the start", server.prints('"hint"'));
      await using client = makeClient({ hostname: "127.0.0.1", port }, {
        wire: "session",
      });
      // As long as there is a client, so that a failure of the test ends it.
      const ask = async () => {
        const data = "x".repeat(100_000);
        let code = "";
        while (code !== "CLOSED") {
          const request = { path: "/NUMBER", operation: "UPDATE", data };
          code = await client.request(request, { deadline: 500 })
            .then(() => "", (error) => error.code);
        }
      };
      const asking = ask();
      assertEquals(await within("its end", server.ended), 1);
      await client.close();
      await asking;
      const lines = server.output.trim().split("\n").map((line) =>
        JSON.parse(line)
      );
      const notice = lines.find(({ event }) => event === "notice");
      assertEquals([notice.code, notice.level], ["JOURNAL_FAILED", "error"]);
      assertStringIncludes(notice.message, folder.journal);
      assertEquals(lines.at(-1).event, "failed");
      assert(!lines.some(({ event }) => event === "leaving"));
    },
  });
}
