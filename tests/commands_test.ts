import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { X509Certificate } from "node:crypto";
import config from "../deno.json" with { type: "json" };
import { CypherServer, CypherStatus } from "../mod.ts";
import { makeCerts } from "./support/certificates.ts";
import { NO_NAME } from "./support/no_name.ts";
import { availablePort, Program } from "./support/program.ts";

const SERVE = ["run", "-A", pathOf("../server/main.ts")];
const CLIENT = ["run", "-A", pathOf("../client/main.ts")];
const CERTS = ["run", "-A", pathOf("../server/certs.ts")];
const KEYS = {
  CYPHER_ENCRYPTION_KEY: "e".repeat(32),
  CYPHER_DECRYPTION_KEY: "d".repeat(32),
};

function pathOf(relative: string): string {
  return new URL(relative, import.meta.url).pathname;
}

/** What is wrong, and what the one line that says so must contain. */
const WRONG: {
  args: string[];
  env?: Record<string, string>;
  says: string[];
}[] = [
  { args: [...SERVE, "--prot", "1"], says: ["--prot", "--help"] },
  { args: [...SERVE, "--port"], says: ["--port"] },
  { args: [...SERVE, "--port", "-1"], says: ["--port=VALUE", "--help"] },
  { args: [...CLIENT, "ping", "-n", "-1"], says: ["--n=VALUE"] },
  { args: [...SERVE, "--port", "70000"], says: ["--port", "70000", "65,535"] },
  { args: [...SERVE, "--port", "1.5"], says: ["--port", "1.5", "whole"] },
  { args: [...SERVE, "--port", "abc"], says: ["--port", '"abc"', "65,535"] },
  { args: [...SERVE, "--port", ""], says: ["--port", '""'] },
  { args: [...SERVE, "--timeout", "0"], says: ["--timeout", "0", "of ms"] },
  {
    args: [...SERVE, "--http-port=70000"],
    says: ["--http-port", "70000", "65,535"],
  },
  {
    args: [...SERVE, "--port", "0", "--http-hostname", "0.0.0.0"],
    says: [
      "--http-hostname 0.0.0.0",
      "others can reach",
      "CYPHER_DASHBOARD_TOKEN",
    ],
  },
  {
    args: [...SERVE, "--port", "0"],
    env: { CYPHER_DASHBOARD_TOKEN: "mellon" },
    says: ["Cannot use CYPHER_DASHBOARD_TOKEN: it must be 16 to 512"],
  },
  {
    args: [...SERVE, "--port", "0"],
    env: { CYPHER_DASHBOARD_READ_TOKEN: "a token of the viewers" },
    says: [
      "Cannot use CYPHER_DASHBOARD_READ_TOKEN",
      "needs CYPHER_DASHBOARD_TOKEN beside it",
    ],
  },
  {
    args: [...SERVE, "--port", "0", "--http-hosts", "cypher.lan"],
    says: ["Cannot use --http-hosts: it needs CYPHER_DASHBOARD_TOKEN beside"],
  },
  { args: [...SERVE, "--log", "token"], says: ['"token"'] },
  { args: [...SERVE, "--client-cert", "--port", "0"], says: ["--tls beside"] },
  { args: [...CLIENT, "ping", "--client-cert"], says: ["--tls beside"] },
  { args: [...SERVE, "--quiet"], says: ["--quiet", "--log-level warn"] },
  {
    args: SERVE,
    env: { CYPHER_QUIET: "1" },
    says: ["CYPHER_QUIET", "--log-level warn"],
  },
  {
    args: ["run", "--no-prompt", pathOf("../server/main.ts")],
    says: ["--allow-env"],
  },
  {
    args: [...SERVE, "--tls", "--port", "0"],
    says: ["There is no .cypher/cert.pem", "deno task certs"],
  },
  {
    args: [...CLIENT, "ping", "--tls"],
    says: ["There is no .cypher/ca.pem", "deno task certs"],
  },
  { args: [...CLIENT, "ping", "--wire", "x"], says: ['"session"', '"x"'] },
  {
    args: [...SERVE, "--recv-buffer", "1"],
    says: ["--recv-buffer", "got 1", "4,096"],
  },
  { args: [...SERVE, "--tls=yes"], says: ["--tls"] },
  {
    args: [...SERVE, "--log", "xml"],
    says: ["--log", "auto or pretty or json", '"xml"'],
  },
  { args: [...SERVE, "--log-level", ""], says: ["--log-level", "debug", '""'] },
  { args: [...SERVE, "--log-lines", "0"], says: ["--log-lines", "got 0"] },
  {
    args: [...SERVE, "--connections-per-address", "0"],
    says: ["--connections-per-address", "got 0", "or Infinity"],
  },
  // No thread is up so soon: as if its module never finished loading.
  {
    args: [...SERVE, "--threads", "2", "--load-timeout", "1", "--port", "0"],
    says: ["example_module.ts", "not finished loading within 1 ms"],
  },
  { args: [...SERVE, "extra"], says: ["no arguments", '"extra"'] },
  { args: [...SERVE, "--hostname", ""], says: ["hostname", '""'] },
  {
    args: [...SERVE, "--hostname", "203.0.113.1"],
    says: ["203.0.113.1:12345", "not one of this machine"],
  },
  {
    args: SERVE,
    env: { CYPHER_RECV_BUFFER: "1" },
    says: ["CYPHER_RECV_BUFFER", "4,096"],
  },
  {
    args: SERVE,
    env: { CYPHER_ENCRYPTION_KEY: "short" },
    says: ["CYPHER_ENCRYPTION_KEY", "32 ASCII characters", "5 characters"],
  },
  {
    args: SERVE,
    env: { CYPHER_DECRYPTION_KEY: "" },
    says: ["both", "CYPHER_DECRYPTION_KEY"],
  },
  { args: CLIENT, says: ["request or ping"] },
  { args: [...CLIENT, "pong"], says: ["request or ping"] },
  { args: [...CLIENT, "request"], says: ["OPERATION PATH", "nothing"] },
  {
    args: [...CLIENT, "request", "READ", "/A", "1", "2"],
    says: ["OPERATION PATH", '"READ /A 1 2"'],
  },
  {
    args: [...CLIENT, "request", "UPDATE", "/A", "-21.5"],
    says: ["-- before a negative number", "--help"],
  },
  { args: [...CLIENT, "ping", "-n", "0"], says: ['"-n"', "got 0"] },
  {
    args: [...CLIENT, "ping", "--hostname", "127.0.0.1:12345"],
    says: ["hostname", '"127.0.0.1:12345"', "port is an option of its own"],
  },
  {
    args: [...CLIENT, "request", "UPDATE", "/A", '{"celsius": 21.5'],
    says: ["Cannot use DATA", "single quotes"],
  },
  {
    args: ["run", "--no-prompt", pathOf("../server/chat/main.ts")],
    says: ["--allow-env"],
  },
  {
    args: ["run", "--no-prompt", pathOf("../server/packet/main.ts")],
    says: ["--allow-env"],
  },
  {
    args: ["run", "--no-prompt", pathOf("../client/packet/main.ts")],
    says: ["--allow-env"],
  },
  {
    args: ["run", "--no-prompt", pathOf("../server/segment/main.ts")],
    says: ["--allow-env"],
  },
  {
    args: ["run", "--no-prompt", pathOf("../client/segment/main.ts")],
    says: ["--allow-env"],
  },
  {
    args: [...CLIENT, "ping", "--deadline", "200", "--port", "1"],
    says: ["Offline: refused", "within 200 ms"],
  },
  {
    args: [...CLIENT, "ping", "--deadline", "200", "--hostname", NO_NAME],
    says: ["Offline: unresolved-name; retrying", "within 200 ms"],
  },
];

for (const host of ["no name", "a..b", "192.0.2", "x:1", "*", "0.0.0.0", ""]) {
  WRONG.push({
    args: [...CERTS, "--hosts", `box.lan,${host}`],
    says: ["Cannot use --hosts: ", `192.0.2.2`, `, got "${host}"`],
  });
}

for (const { args, env, says } of WRONG) {
  const shown = [...args.slice(2), ...Object.keys(env ?? {})].join(" ")
    .replace(/\S*\/(\w+\/\w+.ts)/, "$1");
  Deno.test(`wrong: ${shown}`, async () => {
    // Keys that are not what is wrong are there, unless they are the point.
    const keys = "CYPHER_DECRYPTION_KEY" in (env ?? {}) ? {} : KEYS;
    await using program = new Program(args, { env: { ...keys, ...env } });
    const code = await program.ended;
    for (const text of says) assertStringIncludes(program.errors, text);
    assertEquals(code, 1);
    assertEquals(program.output, "");
    assert(!program.errors.includes("    at "), "no stack trace");
    assert(!program.errors.includes("short"), "no key");
    const lines = program.errors.trim().split("\n");
    assertEquals(lines.length, says[0]!.startsWith("Offline") ? 2 : 1);
  });
}

Deno.test("a taken port is one clear line", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(listener.addr.port);
  await using program = new Program([...SERVE, "--port", port], { env: KEYS });
  assertEquals(await program.ended, 1);
  assertEquals(
    program.errors,
    `Cannot listen on 127.0.0.1:${port}: the port is taken: choose another, ` +
      "or 0 for a free one\n",
  );
});

Deno.test("what a server says cannot act on the terminal", async () => {
  // Clear the screen; the same as one character; turn the direction around.
  const evil = "\u001b[2J\u009b2J\u202e";
  await using server = new CypherServer({
    port: 0,
    encryptionKey: KEYS.CYPHER_DECRYPTION_KEY,
    decryptionKey: KEYS.CYPHER_ENCRYPTION_KEY,
    handler: ({ operation }) => {
      if (operation === "READ") return { data: { [evil]: evil } };
      throw new CypherStatus(evil, evil);
    },
  });
  await server.start();
  const flags = ["--port", `${server.address.port}`];
  for (const operation of ["READ", "UPDATE"]) {
    await using program = new Program(
      [...CLIENT, "request", operation, "/", ...flags],
      { env: KEYS },
    );
    await program.ended;
    const said = (program.output + program.errors).trimEnd();
    assertStringIncludes(said, "\\u001b[2J\\u009b2J\\u202e");
    assertEquals(/[\p{Cc}\p{Cf}]/u.exec(said), null);
    if (operation === "READ") assertEquals(JSON.parse(said), { [evil]: evil });
  }
});

Deno.test("help says what there is, and is no failure", async () => {
  for (const path of ["../dashboard/demo.ts", "../server/certs.ts"]) {
    await using program = new Program(["run", "-A", pathOf(path), "--help"]);
    assertEquals(await program.ended, 0);
    assertStringIncludes(program.output, "deno task");
    assert(!program.output.includes("CYPHER_PORT"), "it has no such flag");
  }
  const chat = ["run", "-A", pathOf("../client/chat/main.ts"), "--help"];
  await using program = new Program(chat);
  assertEquals(await program.ended, 0);
  assertStringIncludes(program.output, "--server as CYPHER_SERVER");
  for (const args of [SERVE, [...CLIENT, "request"], [...CLIENT, "ping"]]) {
    await using program = new Program([...args, "--help"]);
    assertEquals(await program.ended, 0);
    for (const text of ["deno task", "--port N", "65,535", "CYPHER_PORT"]) {
      assertStringIncludes(program.output, text);
    }
  }
});

Deno.test("-h is --help", async () => {
  for (
    const command of [
      SERVE,
      CERTS,
      [...CLIENT, "ping"],
      ["run", "-A", pathOf("../client/chat/main.ts")],
      ["run", "-A", pathOf("../dashboard/demo.ts")],
    ]
  ) {
    const said = [];
    for (const flag of ["--help", "-h"]) {
      await using program = new Program([...command, flag]);
      assertEquals(await program.ended, 0, program.errors);
      said.push(program.output);
    }
    assertEquals(said[0], said[1]);
    assertStringIncludes(said[0]!, "-h, --help");
  }
});

Deno.test("help fits a terminal of 80 columns", async () => {
  for (
    const args of [
      SERVE,
      [...CLIENT, "request"],
      [...CLIENT, "ping"],
      ...[
        "../server/chat/main.ts",
        "../server/packet/main.ts",
        "../server/segment/main.ts",
        "../server/certs.ts",
        "../client/chat/main.ts",
        "../client/packet/main.ts",
        "../client/segment/main.ts",
        "../dashboard/demo.ts",
      ].map((path) => ["run", "-A", pathOf(path)]),
    ]
  ) {
    await using program = new Program([...args, "--help"]);
    assertEquals(await program.ended, 0);
    const lines = program.output.split("\n");
    assertEquals(lines.filter((line) => line.length > 80), []);
    assert(lines.some((line) => line.trimEnd().endsWith("Show this")));
  }
});

Deno.test("a file that cannot be used is one line that names it", async () => {
  const cwd = await Deno.makeTempDir();
  const said = async (args: string[], env?: Record<string, string>) => {
    await using program = new Program(args, { cwd, ...(env && { env }) });
    assertEquals(await program.ended, 1);
    return program.errors;
  };
  const ask = [...CLIENT, "request", "READ", "/NUMBER"];
  const serve = [...SERVE, "--port", "0"];
  try {
    await Deno.mkdir(`${cwd}/.cypher/keys.json`, { recursive: true });
    for (const args of [ask, serve]) {
      assertEquals(
        await said(args),
        "Cannot read .cypher/keys.json: Is a directory (os error 21)\n",
      );
    }
    for (const name of ["cert.pem", "ca.pem"]) {
      await Deno.mkdir(`${cwd}/.cypher/${name}`);
    }
    const tls = async (args: string[]) => await said([...args, "--tls"], KEYS);
    assertStringIncludes(await tls(ask), "Cannot read .cypher/ca.pem: Is a");
    assertStringIncludes(await tls(serve), "Cannot read .cypher/cert.pem: Is");
    // What may hold neither keys nor journals.
    await Deno.remove(`${cwd}/.cypher`, { recursive: true });
    await Deno.symlink("/proc/1/nowhere", `${cwd}/.cypher`);
    assertMatch(await said(serve), /^Cannot make .cypher\/keys.json: .*\n$/);
    const journal = [...serve, "--journal", ".cypher/journal.db"];
    assertMatch(await said(journal, KEYS), /^Cannot make .cypher: .*\n$/);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("an empty variable is none", async () => {
  const flags = ["--no-dashboard"];
  const names = ["PORT", "HOSTNAME", "LOG", "TLS", "JOURNAL", "HTTP_PORT"];
  const empty = names.map((name) => [`CYPHER_${name}`, ""]);
  // With the usual port, whether or not that is free.
  await using server = new Program([...SERVE, ...flags], {
    env: { ...KEYS, ...Object.fromEntries(empty) },
  });
  await server.prints("127.0.0.1:12345");
});

Deno.test({
  name: "a certificate for another host is accepted there",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const hostname = "127.0.0.2";
    const port = String(availablePort());
    const asked = async (folder: string, env: Record<string, string> = {}) => {
      const address = ["--tls", "--hostname", hostname, "--port", port];
      const options = { cwd: folder, env: { ...KEYS, ...env } };
      const flags = ["--no-dashboard", ...address];
      await using server = new Program([...SERVE, ...flags], options);
      await server.prints('"listening"');
      const ask = [...CLIENT, "request", "READ", "/NUMBER", ...address];
      await using client = new Program(ask, {
        cwd: folder,
        env: {
          CYPHER_ENCRYPTION_KEY: KEYS.CYPHER_DECRYPTION_KEY,
          CYPHER_DECRYPTION_KEY: KEYS.CYPHER_ENCRYPTION_KEY,
        },
      });
      return [await client.ended, client.output, client.errors] as const;
    };
    const hosts = `${hostname},localhost,BOX.lan, 2001:db8::0:1`;
    const { folder, cert, output } = await makeCerts("--hosts", hosts);
    assertEquals(await asked(folder), [0, "0\n", ""]);
    assertStringIncludes(
      output,
      "for localhost, 127.0.0.1, ::1, 127.0.0.2, box.lan, 2001:db8::1, 365",
    );
    assertEquals(
      new X509Certificate(cert).subjectAltName,
      "DNS:localhost, DNS:box.lan, IP Address:127.0.0.1, " +
        "IP Address:::1, IP Address:127.0.0.2, IP Address:2001:db8::1",
    );
    const [code, , errors] = await asked((await makeCerts()).folder);
    assertEquals(code, 1);
    assertStringIncludes(errors, "not valid for name");
    assertStringIncludes(errors, "deno task certs --hosts 127.0.0.2");
    assert(!errors.includes("tls.serverName"), errors);
  },
});

Deno.test("data comes from standard input, too", async () => {
  const port = String(availablePort());
  const flags = ["--port", port, "--no-dashboard"];
  await using server = new Program([...SERVE, ...flags], { env: KEYS });
  await server.prints('"listening"');
  const env = {
    CYPHER_ENCRYPTION_KEY: KEYS.CYPHER_DECRYPTION_KEY,
    CYPHER_DECRYPTION_KEY: KEYS.CYPHER_ENCRYPTION_KEY,
    NO_COLOR: "1",
  };
  const run = async (args: string[], input: string) => {
    const process = new Deno.Command(Deno.execPath(), {
      args: [...CLIENT, ...args, "--port", port],
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    await new Blob([input]).stream().pipeTo(process.stdin);
    const { stdout } = await process.output();
    return new TextDecoder().decode(stdout).trimEnd();
  };
  // More than a command line takes.
  const long = "x".repeat(300_000);
  for (
    const [input, stored] of [
      [`{"celsius": 21.5}\n`, `{"celsius":21.5}`],
      [`${long}\n`, `"${long}"`],
    ]
  ) {
    const update = ["request", "UPDATE", "/NUMBER", "-"];
    assertEquals(await run(update, input!), '"UPDATED"');
    assertEquals(await run(["request", "READ", "/NUMBER"], ""), stored);
  }
});

Deno.test({
  name: "a full disk under the log does not stop the server",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const port = availablePort();
    const script = 'exec "$0" "$@" >/dev/full';
    const process = new Deno.Command("sh", {
      args: ["-c", script, Deno.execPath(), ...SERVE, "--port", `${port}`],
      env: { ...KEYS, CYPHER_NO_DASHBOARD: "1" },
      stderr: "piped",
    }).spawn();
    const ended = process.output();
    const keys = {
      CYPHER_ENCRYPTION_KEY: KEYS.CYPHER_DECRYPTION_KEY,
      CYPHER_DECRYPTION_KEY: KEYS.CYPHER_ENCRYPTION_KEY,
    };
    const ask = [...CLIENT, "request", "READ", "/NUMBER", "--port", `${port}`];
    await using client = new Program(ask, { env: keys });
    const asked = await client.ended;
    try {
      process.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    const { code, stderr } = await ended;
    assertEquals([asked, client.output], [0, "0\n"]);
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  },
});

Deno.test("a journal that deno task serve may not write: where it can be", async () => {
  const cwd = await Deno.makeTempDir();
  const task = /--allow.*(?= server\/main)/.exec(config.tasks.serve.command)!;
  const serve = ["run", "--no-prompt", ...task[0].split(" "), SERVE[2]!];
  const flags = ["--port", "0", "--no-dashboard", "--journal"];
  try {
    for (
      const file of ["cypher.db", "/tmp/cypher.db", ".cypher/../cypher.db"]
    ) {
      await using program = new Program([...serve, ...flags, file], {
        cwd,
        env: KEYS,
      });
      assertEquals(await program.ended, 1);
      assertStringIncludes(program.errors, `Cannot use --journal ${file}: `);
      assertEquals(program.errors.trim().split("\n").length, 1);
      assert(!program.errors.includes("--allow"), program.errors);
      const [advised] = /\S+$/.exec(program.errors.trim())!;
      await using server = new Program([...serve, ...flags, advised], {
        cwd,
        env: KEYS,
      });
      await server.prints('"listening"');
    }
    await using deeper = new Program(
      [...serve, ...flags, "./.cypher/of/mine/journal.db"],
      { cwd, env: KEYS },
    );
    await deeper.prints('"listening"');
    // Where nothing may be written, that is what is wrong.
    const none = serve.filter((word) => !word.startsWith("--allow-write"));
    await using program = new Program([...none, ...flags, "cypher.db"], {
      cwd,
      env: KEYS,
    });
    assertEquals(await program.ended, 1);
    assertStringIncludes(program.errors, "--allow-write");
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("keys are made once, for their owner alone, and never printed", async () => {
  const cwd = await Deno.makeTempDir();
  const env = { CYPHER_PORT: String(availablePort()) };
  try {
    await using lost = new Program([...CLIENT, "request", "READ", "/NUMBER"], {
      cwd,
      env,
    });
    assertEquals(await lost.ended, 1);
    assertStringIncludes(lost.errors, "deno task serve");

    const printed: string[] = [];
    for (const made of [true, false]) {
      await using server = new Program(SERVE, { cwd, env });
      await server.prints("Try:");
      assertEquals(server.output.includes("Made a random pair"), made);
      await using client = new Program(
        [...CLIENT, "request", "UPDATE", "/NUMBER", "7"],
        { cwd, env },
      );
      assertEquals(await client.ended, 0, client.errors);
      server.kill("SIGINT");
      assertEquals(await server.ended, 0, "Ctrl-C drains and exits 0");
      printed.push(server.output, server.errors, client.output, client.errors);
    }
    const file = `${cwd}/.cypher/keys.json`;
    if (Deno.build.os !== "windows") {
      assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
    }
    const keys: string[] = Object.values(
      JSON.parse(await Deno.readTextFile(file)),
    );
    assertEquals(keys.map((key) => key.length), [32, 32]);
    for (const key of keys) assert(!printed.join("").includes(key));

    await Deno.writeTextFile(file, "{ clientToServer: oops }");
    await using broken = new Program(SERVE, { cwd, env });
    assertEquals(await broken.ended, 1);
    assertEquals(
      broken.errors,
      ".cypher/keys.json: Cannot read the keys: not JSON\n",
    );
    await using puzzled = new Program([...CLIENT, "ping"], { cwd, env });
    assertEquals(await puzzled.ended, 1);
    assertEquals(puzzled.errors, broken.errors);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test({
  name: "a keys file that others can open is told of, and used",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const cwd = await Deno.makeTempDir();
    const env = { CYPHER_PORT: String(availablePort()) };
    const file = `${cwd}/.cypher/keys.json`;
    const task = (name: "serve" | "request", path: string) => {
      const { command } = config.tasks[name];
      const [permissions] = /--allow.*(?= (server|client)\/main)/.exec(
        command,
      )!;
      return ["run", "--no-prompt", ...permissions.split(" "), pathOf(path)];
    };
    const serve = [
      ...task("serve", "../server/main.ts"),
      "--no-dashboard",
      "--log",
      "json",
    ];
    const ask = [
      ...task("request", "../client/main.ts"),
      "request",
      "READ",
      "/NUMBER",
    ];
    const warning =
      "Others on this machine can open .cypher/keys.json, which " +
      "is for its owner alone: chmod 600 .cypher/keys.json";
    try {
      await Deno.mkdir(`${cwd}/.cypher`);
      const keys = {
        clientToServer: "c".repeat(32),
        serverToClient: "s".repeat(32),
      };
      await Deno.writeTextFile(file, JSON.stringify(keys));
      const cases = [
        { mode: 0o640, folder: 0o755, open: true },
        { mode: 0o602, folder: 0o711, open: true },
        { mode: 0o400, folder: 0o755, open: false },
        // As a copy often is, in the folder that was made for it.
        { mode: 0o644, folder: 0o700, open: false },
      ];
      for (const { mode, folder, open } of cases) {
        await Deno.chmod(file, mode);
        await Deno.chmod(`${cwd}/.cypher`, folder);
        await using server = new Program(serve, { cwd, env });
        await server.prints('"hint"');
        const said = server.output.split("\n").filter((line) =>
          line.includes(warning) && line.includes('"level":"warn"')
        );
        assertEquals(said.length, open ? 1 : 0, server.output);
        await using client = new Program(ask, { cwd, env });
        assertEquals(await client.ended, 0, client.errors);
        assertEquals(client.output, "0\n");
        assertEquals(client.errors, open ? `${warning}\n` : "");
      }
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  },
});

Deno.test("who is not let in hears why at once", async () => {
  const port = String(availablePort());
  const served = [...SERVE, "--port", port, "--no-dashboard"];
  await using server = new Program(served, { env: KEYS });
  await server.prints('"listening"');
  const asking = [...CLIENT, "request", "READ", "/NUMBER", "--port", port];
  const endless = [...asking, "--deadline", "600000"];
  const env = { ...KEYS, CYPHER_DECRYPTION_KEY: "x".repeat(32) };
  await using stranger = new Program(endless, { env });
  assertEquals(await stranger.ended, 1);
  assertStringIncludes(stranger.errors, "The server does not accept the keys");
});

Deno.test("who is not let in on the classic wire hears so in time", async () => {
  const port = String(availablePort());
  const served = [...SERVE, "--port", port, "--no-dashboard"];
  await using server = new Program(served, { env: KEYS });
  await server.prints('"listening"');
  const asking = [...CLIENT, "request", "READ", "/NUMBER", "--port", port];
  // Swapped they would be right.
  const args = [...asking, "--wire", "classic"];
  await using stranger = new Program(args, { env: KEYS });
  assertEquals(await stranger.ended, 1);
  assertStringIncludes(stranger.errors, "Do the keys match?");
});

Deno.test("a client without --allow-net hears so, and does not wait", async () => {
  const args = ["run", "--no-prompt", "--allow-env", ...CLIENT.slice(2)];
  await using client = new Program([...args, "ping"], { env: KEYS });
  assertEquals(await client.ended, 1);
  assertEquals(
    client.errors,
    "Cannot connect to 127.0.0.1:12345 (run with --allow-net)\n",
  );
});

Deno.test("threads that may not read their modules say so", async () => {
  const args = ["run", "--no-prompt", "--allow-env", "--allow-net", SERVE[2]!];
  const flags = ["--threads", "2", "--port", "0", "--no-dashboard"];
  await using server = new Program([...args, ...flags], { env: KEYS });
  assertEquals(await server.ended, 1);
  // The lines before it are Deno's own.
  const said = server.errors.trim().split("\n").at(-1)!;
  assert(said.startsWith("Requires read access"), server.errors);
  assertStringIncludes(said, "--allow-read");
});

Deno.test("the command that serve suggests works as it stands", async () => {
  const flags = ["--port", "0", "--no-dashboard"];
  await using server = new Program([...SERVE, ...flags], { env: KEYS });
  await server.prints("/NUMBER 42");
  const [, suggested] = /Try: deno task (.*?)"/.exec(server.output)!;
  assertStringIncludes(suggested!, "--port");
  const keys = {
    CYPHER_ENCRYPTION_KEY: KEYS.CYPHER_DECRYPTION_KEY,
    CYPHER_DECRYPTION_KEY: KEYS.CYPHER_ENCRYPTION_KEY,
  };
  const asking = [...CLIENT, ...suggested!.split(" ")];
  await using client = new Program(asking, { env: keys });
  assertEquals(await client.ended, 0, client.errors);
  assertEquals(client.output, '"UPDATED"\n');
});

Deno.test("threads can be traced from the command line", async () => {
  const port = String(availablePort());
  const flags = ["--threads", "2", "--tracing", "--port", port];
  await using server = new Program([...SERVE, ...flags, "--no-dashboard"], {
    env: KEYS,
  });
  await server.prints('"listening"');
  const keys = {
    CYPHER_ENCRYPTION_KEY: KEYS.CYPHER_DECRYPTION_KEY,
    CYPHER_DECRYPTION_KEY: KEYS.CYPHER_ENCRYPTION_KEY,
  };
  const asking = [...CLIENT, "request", "READ", "/NUMBER", "--port", port];
  await using client = new Program(asking, { env: keys });
  assertEquals(await client.ended, 0, client.errors);
  assertEquals(client.output, "0\n");
});

Deno.test("a proxy's host name reaches the dashboard", async () => {
  const flags = ["--port", "0", "--http-port", "0", "--http-hosts"];
  await using server = new Program([...SERVE, ...flags, "a.lan,b.lan"], {
    env: { ...KEYS, CYPHER_DASHBOARD_TOKEN: "t".repeat(16) },
  });
  await server.prints('"hint"');
  const url = /"url":"([^"]+)"/.exec(server.output)![1]!;
  // fetch() sets no Host of its own.
  const asked = async (host: string) => {
    const conn = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(url).port),
    });
    const request = `GET /api/snapshot HTTP/1.1\r\nHost: ${host}\r\n` +
      "Connection: close\r\n\r\n";
    await conn.write(new TextEncoder().encode(request));
    return (await new Response(conn.readable).text()).split(" ")[1];
  };
  assertEquals([await asked("b.lan"), await asked("c.lan")], ["401", "421"]);
});

Deno.test("ping goes on when the server is killed and started again", async () => {
  const port = String(availablePort());
  const flags = ["--port", port, "--no-dashboard"];
  const keys = {
    CYPHER_ENCRYPTION_KEY: KEYS.CYPHER_DECRYPTION_KEY,
    CYPHER_DECRYPTION_KEY: KEYS.CYPHER_ENCRYPTION_KEY,
  };
  const args = [...CLIENT, "ping", "--port", port, "-n", "20000"];
  const first = new Program([...SERVE, ...flags], { env: KEYS });
  await first.prints('"listening"');
  await using ping = new Program([...args, "--deadline", "600000"], {
    env: keys,
  });
  await first.prints('"online"');
  await first[Symbol.asyncDispose]();
  await using second = new Program([...SERVE, ...flags], { env: KEYS });
  await second.prints('"online"');
  assertEquals(await ping.ended, 0, ping.errors);
  assertStringIncludes(ping.output, "20000 round trips");
});
