import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RawListener } from "./support/packet_raw.ts";
import { availablePort, Program } from "./support/program.ts";

const SERVER = ["run", "-A", pathOf("../server/packet/main.ts")];
const CLIENT = ["run", "-A", pathOf("../client/packet/main.ts")];

function pathOf(relative: string): string {
  return new URL(relative, import.meta.url).pathname;
}

/** A client whose terminal is the test. */
class Terminal implements AsyncDisposable {
  output = "";
  #process: Deno.ChildProcess;
  #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #reading: Promise<void>[];
  #wake: () => void = () => {};

  constructor(...args: string[]) {
    const config = pathOf("../deno.json");
    const [verb, ...rest] = CLIENT;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [verb!, "--quiet", "--config", config, ...rest, ...args],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    const { stdout, stderr } = this.#process;
    this.#reading = [stdout, stderr].map(async (stream) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        this.output += text;
        this.#wake();
      }
    });
  }

  async type(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }

  /** Waits until it has printed a text. */
  async prints(text: string): Promise<void> {
    let ended = false;
    this.#process.status.then(() => {
      ended = true;
      this.#wake();
    });
    while (!this.output.includes(text)) {
      if (ended) throw new Error(`No "${text}" in ${this.output}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Its exit code and the lines it printed. */
  async ended(): Promise<{ code: number; lines: string[] }> {
    const { code } = await this.#process.status;
    await Promise.all(this.#reading);
    return { code, lines: this.output.trim().split("\n") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.ended();
    await this.#writer.abort().catch(() => {});
  }
}

for (const mode of ["step-by-step", "burst"]) {
  Deno.test(`the two commands talk to each other, ${mode}`, async () => {
    const port = String(availablePort());
    await using server = new Program([
      ...SERVER,
      ...["--port", port, "--max-size", "64", "--log", "pretty"],
    ]);
    await server.prints(`Packet listens on 127.0.0.1:${port}`);
    await using client = new Terminal(
      ...["--server-port", port, "--operation-mode", mode],
    );
    await client.prints(`${mode}, packets of 64 bytes`);
    await client.type("hello\n");
    await client.prints("ACK: packets 1, sent again 0");
    await client.type(`${"long ".repeat(30)}\nexit\nnever sent\n`);
    const { code, lines } = await client.ended();
    assertEquals(code, 0);
    assertEquals(lines.slice(1), [
      "ACK: packets 1, sent again 0",
      "ACK: packets 3, sent again 0",
      "Disconnected",
    ]);
    await server.prints("peer-closed, 2 requests");
    assertStringIncludes(server.output, "ms, 5 bytes in");
    assertStringIncludes(server.output, "ms, 150 bytes in");
    assert(!server.output.includes("hello"));
    server.kill("SIGINT");
    assertEquals(await server.ended, 0);
  });
}

Deno.test("the end of the input disconnects as well", async () => {
  await using listener = new RawListener();
  const accepted = listener.greeted();
  await using client = new Terminal("--server-port", String(listener.port));
  const peer = await accepted;
  await client.close();
  assertEquals(await peer.next(), "5 0");
  peer.close();
  assertEquals((await client.ended()).code, 0);
});

Deno.test("a line that is too long is said, and the next is sent", async () => {
  await using listener = new RawListener();
  const accepted = listener.greeted({ max_size: 20 });
  await using client = new Terminal("--server-port", String(listener.port));
  const peer = await accepted;
  await client.type(`${"x".repeat(21)}\nshort\n`);
  assertEquals(await peer.next(), "1 0 short");
  await client.prints("it may have 20 bytes");
});

Deno.test("a lost connection ends the client, with its reason", async () => {
  await using listener = new RawListener();
  const accepted = listener.greeted();
  await using client = new Terminal("--server-port", String(listener.port));
  const peer = await accepted;
  await client.prints("Connected");
  peer.close();
  const { code, lines } = await client.ended();
  assertEquals([code, lines.at(-1)], [1, "The connection ended: peer-closed"]);
});

const WRONG: { args: string[]; says: string[] }[] = [
  { args: [...SERVER, "--prot", "1"], says: ["--prot", "--help"] },
  { args: [...SERVER, "--port", "70000"], says: ["--port", "65,535"] },
  { args: [...SERVER, "--max-size", "15"], says: ["--max-size", "16"] },
  { args: [...SERVER, "--max-size", "x"], says: ["--max-size", '"x"'] },
  { args: [...SERVER, "extra"], says: ["no arguments"] },
  { args: [...CLIENT, "--operation-mode", "fast"], says: ["burst", '"fast"'] },
  { args: [...CLIENT, "--server-port", "0"], says: ["--server-port", "got 0"] },
  { args: [...CLIENT, "--server-addr", ""], says: ["hostname"] },
  {
    args: [...CLIENT, "--server-port", "1"],
    says: ["Cannot connect to 127.0.0.1:1"],
  },
];

for (const { args, says } of WRONG) {
  const shown = args.slice(2).join(" ").replace(/\S*\/(\w+)\/packet/, "$1");
  Deno.test(`wrong: ${shown}`, async () => {
    await using program = new Program(args);
    assertEquals(await program.ended, 1);
    assertEquals(program.output, "");
    assertEquals(program.errors.trim().split("\n").length, 1, program.errors);
    for (const word of says) assertStringIncludes(program.errors, word);
  });
}

Deno.test("both explain themselves", async () => {
  for (const command of [SERVER, CLIENT]) {
    await using program = new Program([...command, "--help"]);
    assertEquals(await program.ended, 0);
    assertStringIncludes(program.output, "deno task packet:");
  }
});
