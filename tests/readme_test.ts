import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeClient } from "./support/cypher.ts";
import { availablePort, Program } from "./support/program.ts";

const readme = await Deno.readTextFile(
  new URL("../README.md", import.meta.url),
);
const security = await Deno.readTextFile(
  new URL("../SECURITY.md", import.meta.url),
);

/** The code blocks of one language, the README's by default, in order. */
function snippets(language: string, text = readme): string[] {
  const block = new RegExp("^```" + language + "\\n(.*?)^```", "gms");
  return Array.from(text.matchAll(block), ([, code]) => code!);
}

/** A snippet as a file, importing this copy and using another port. */
async function asFile(code: string, port: number): Promise<string> {
  const here = new URL("../", import.meta.url).href;
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  const local = code
    .replaceAll(
      /"jsr:@cypher\/protocol@[^/"]*\/dashboard"/g,
      `"${here}dashboard/mod.ts"`,
    )
    .replaceAll(/"jsr:@cypher\/protocol@[^/"]*\/(\w+)"/g, `"${here}$1.ts"`)
    .replaceAll(/"jsr:@cypher\/protocol@[^/"]*"/g, `"${here}mod.ts"`)
    // Ports that others may have taken.
    .replaceAll('name: "plant-gateway"', 'port: 0, name: "plant-gateway"')
    .replaceAll(/\b(12345|1337)\b/g, String(port));
  assert(local.includes(here));
  await Deno.writeTextFile(path, local);
  return path;
}

Deno.test("the README's server and client work as they stand", async () => {
  const [server, client] = snippets("ts");
  assert(server && client);
  const port = availablePort();
  const files = [await asFile(server, port), await asFile(client, port)];
  const run = ["run", "--check", "--no-prompt", "--allow-net"];
  try {
    await using serving = new Program([...run, files[0]!]);
    await serving.prints("listening");
    await using asking = new Program([...run, files[1]!]);
    await asking.ended;
    assertEquals(asking.output.split("\n"), [
      "online",
      "21.5",
      "NOT_FOUND Nothing is known about /CELLAR",
      "offline: closed",
      "",
    ]);
    await serving.prints("offline 127.0.0.1");
    assertStringIncludes(serving.output, "online 127.0.0.1");
  } finally {
    await Promise.all(files.map((file) => Deno.remove(file)));
  }
});

Deno.test("the README's dashboard works as it stands", async () => {
  const file = await asFile(snippets("ts")[2]!, availablePort());
  try {
    const args = ["run", "--check", "--no-prompt", "--allow-net", file];
    await using serving = new Program(args);
    await serving.prints("Open http");
    const [, url] = /Open (\S+)/.exec(serving.output)!;
    const page = await fetch(url!);
    assertEquals(page.status, 200);
    assertStringIncludes(await page.text(), "app.js");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the README's app works as it stands", async () => {
  const [port, httpPort] = [availablePort(), availablePort()];
  const file = await asFile(snippets("ts")[3]!, port);
  const code = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, code.replace("8000", String(httpPort)));
  try {
    const args = ["run", "--check", "--no-prompt", "--allow-net", file];
    await using serving = new Program(args);
    await serving.listens(httpPort);
    await using client = makeClient({ hostname: "127.0.0.1", port });
    await client.request({});
    const url = `http://127.0.0.1:${httpPort}`;
    assertEquals(await (await fetch(url)).text(), "1 are here");
    const { connections } = await (await fetch(`${url}/cypher/api/snapshot`))
      .json();
    assertEquals(connections.length, 1);
    serving.kill("SIGINT");
    assertEquals(await serving.ended, 0, serving.errors);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the README's packet and segment work as they stand", async () => {
  for (const code of snippets("ts").slice(4, 7)) {
    const file = await asFile(code, availablePort());
    try {
      const args = ["run", "--check", "--no-prompt", "--allow-net", file];
      await using program = new Program(args);
      assertEquals(await program.ended, 0, program.errors);
      assert(program.output !== "");
    } finally {
      await Deno.remove(file);
    }
  }
});

Deno.test("the README's chat works as it stands", async () => {
  const [server, client, ...more] = snippets("ts").slice(7);
  assertEquals(more.length, 0, "a new snippet needs a test here");
  const port = availablePort();
  const files = [await asFile(server!, port), await asFile(client!, port)];
  const run = ["run", "--check", "--no-prompt", "--allow-net"];
  try {
    await using serving = new Program([...run, files[0]!]);
    await serving.listens(port);
    await using talking = new Program([...run, files[1]!]);
    assertEquals(await talking.ended, 0, talking.errors);
    assertStringIncludes(talking.output, "bob hello, everybody");
    assertStringIncludes(talking.output, "bob in private: for your eyes only");
  } finally {
    await Promise.all(files.map((file) => Deno.remove(file)));
  }
});

Deno.test("the rotation in SECURITY.md works as it stands", async () => {
  const [rotate, ...more] = snippets("ts", security);
  assertEquals(more.length, 0, "a new snippet needs a test here");
  const file = await asFile(rotate!, availablePort());
  try {
    const args = ["run", "--check", "--no-prompt", "--allow-net", file];
    await using rotating = new Program(args);
    assertEquals(await rotating.ended, 0, rotating.errors);
    assertStringIncludes(rotating.output, "uses the new pair");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the README's threads work as they stand", async () => {
  const [handler, server] = snippets("typescript");
  const port = availablePort();
  const files = [await asFile(handler!, port), await asFile(server!, port)];
  const here = `./${files[0]!.split("/").at(-1)}`;
  const code = await Deno.readTextFile(files[1]!);
  await Deno.writeTextFile(files[1]!, code.replace("./handler.ts", here));
  const run = ["run", "--check", "--no-prompt", "--unstable-net"];
  try {
    await using serving = new Program(
      [...run, "--allow-net", "--allow-read", files[1]!],
    );
    await serving.prints("listening");
    await using client = makeClient({ hostname: "127.0.0.1", port });
    const { data } = await client.request({ path: "/", data: 100 });
    assertEquals(data, 661);
  } finally {
    await Promise.all(files.map((file) => Deno.remove(file)));
  }
});

Deno.test("the README's threads show what is told at their start", async () => {
  const [handler, server] = snippets("typescript");
  const port = availablePort();
  // One and the same key, which is told, as one thread in place of two is.
  const equal = server!.replace("server-to-client-key", "client-to-server-key");
  const files = [await asFile(handler!, port), await asFile(equal, port)];
  const code = await Deno.readTextFile(files[1]!);
  const here = `./${files[0]!.split("/").at(-1)}`;
  await Deno.writeTextFile(files[1]!, code.replace("./handler.ts", here));
  try {
    await using serving = new Program(
      ["run", "--unstable-net", "--allow-net", "--allow-read", files[1]!],
    );
    await serving.prints("EQUAL_KEYS");
  } finally {
    await Promise.all(files.map((file) => Deno.remove(file)));
  }
});

Deno.test("the README's commands work as they stand", async () => {
  const [start, ask] = snippets("sh");
  assertEquals(start!.trim().split("\n"), [
    "npx -y deno@2.9.6 task serve",
    "npx -y deno@2.9.6 task test",
  ]);
  const folder = await Deno.makeTempDir();
  const environment = {
    CYPHER_PORT: String(availablePort()),
    CYPHER_HTTP_PORT: "0",
  };
  const task = (command: string) =>
    new Program(taskOf(command), { cwd: folder, env: environment });
  try {
    await using serving = task("deno task serve");
    await serving.prints("Cypher listens");
    const answers: string[] = [];
    for (const command of ask!.trim().split("\n")) {
      await using asking = task(command);
      assertEquals(await asking.ended, 0, asking.errors);
      answers.push(asking.output.trim());
    }
    const [ping, ...data] = answers.toReversed();
    assertEquals(data.toReversed(), [
      '"UPDATED"',
      "42",
      '"UPDATED"',
      '[{"celsius":21.5}]',
    ]);
    assertStringIncludes(ping!, "1000 round trips");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** A `deno task` line as what it runs, so that it can run in another folder. */
function taskOf(line: string): string[] {
  const words = Array.from(
    line.matchAll(/'([^']*)'|(\S+)/g),
    ([, quoted, plain]) => quoted ?? plain!,
  );
  assertEquals(words.slice(0, 2), ["deno", "task"]);
  const { tasks } = JSON.parse(
    Deno.readTextFileSync(new URL("../deno.json", import.meta.url)),
  );
  const command: string = tasks[words[2]!].command;
  const args = command.split(" ").slice(1).map((word) =>
    word.endsWith(".ts")
      ? new URL(`../${word}`, import.meta.url).pathname
      : word
  );
  return [...args, ...words.slice(3)];
}
