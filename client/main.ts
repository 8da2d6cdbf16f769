/**
 * `deno task request` and `deno task ping`.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { addressOf } from "../protocol/address.ts";
import {
  type Command,
  type CommandLine,
  complaintOf,
  helpOf,
  parseCommandLine,
} from "../protocol/command_line.ts";
import { CypherError, CypherStatus } from "../protocol/errors.ts";
import { fileError } from "../protocol/file_error.ts";
import { exposureOf, KEY_FILE, keysOf, parseKeys } from "../protocol/keys.ts";
import { milliseconds } from "../protocol/options.ts";
import { printable } from "../protocol/printable.ts";
import { CypherClient } from "./cypher_client.ts";
import { type ClientTls, NAME_REMEDY } from "./dial_tls.ts";
import { CLIENT_OPTIONS } from "./options.ts";
import { PING, ping } from "./ping.ts";

const CONNECTION: Command["flags"] = {
  port: {
    kind: "number",
    about: "The server's port",
    option: CLIENT_OPTIONS.port,
  },
  hostname: {
    kind: "text",
    about: "The server's address",
    default: "127.0.0.1",
  },
  timeout: {
    kind: "number",
    about: "How long to wait for an answer before sending again (classic)",
    option: CLIENT_OPTIONS.timeout,
  },
  wire: {
    kind: "text",
    about: "The wire, classic for Python servers",
    default: "session",
  },
  tls: {
    kind: "switch",
    about: "Connect over TLS, trusting what deno task certs made",
  },
  clientCert: {
    kind: "switch",
    about: "With --tls: show the client's certificate that it made",
    needs: "tls",
  },
  deadline: {
    kind: "number",
    about: "How long to try: request in all, ping each round trip",
    option: milliseconds(10_000),
  },
};

const KEYS = `Keys: ${KEY_FILE} of the server, or CYPHER_ENCRYPTION_KEY and
CYPHER_DECRYPTION_KEY: the server's two, the other way round.`;

const COMMANDS: Record<string, Command> = {
  request: {
    usage: "deno task request",
    about: `Sends one request and prints the answer's data as JSON, such as
deno task request UPDATE /SEQUENCE '{"celsius": 21.5}'
DATA is JSON, or a word for a string; - reads it from standard input.
Exits with 1 if there is no answer, or one that is a failure.
${KEYS}`,
    positionals: ["OPERATION", "PATH", "[DATA]"],
    flags: {
      ...CONNECTION,
      body: { kind: "switch", about: "Print the whole answer" },
    },
  },
  ping: {
    usage: "deno task ping",
    about: `Times round trips, one after the other: READ /NUMBER.
${KEYS}`,
    positionals: [],
    flags: { n: PING.n, ...CONNECTION },
  },
};

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(
      error instanceof CypherStatus ? oneLine(error) : clientComplaintOf(error),
    );
    Deno.exit(1);
  }
}

async function main(): Promise<void> {
  const [name = "", ...args] = Deno.args;
  const command = COMMANDS[name];
  if (!command) {
    throw new CypherError("BAD_OPTION", "Say what to do: request or ping");
  }
  const line = parseCommandLine(command, args, (name) => Deno.env.get(name));
  if (!line) return console.log(helpOf(command));
  const { n = 10, deadline = 10_000, ...numbers } = line.numbers;
  const hostname = line.texts["hostname"]!;
  const { port = CLIENT_OPTIONS.port.default } = numbers;
  await using client = new CypherClient({
    hostname,
    ...numbers,
    // Checked by the client, which says what there is.
    wire: line.texts["wire"] as "session",
    // Wrong keys are told before the deadline, the pauses between included.
    maxUnanswered: 3,
    ...(line.switches["tls"] && {
      tls: await findCertificates(line.switches["clientCert"]!),
    }),
    ...await findKeys(),
    onOffline: (reason) => {
      // Who has given up is idle, and the error says why.
      if (reason === "closed" || client.state === "idle") return;
      console.error(
        `Offline: ${reason}; retrying ${addressOf({ hostname, port })}`,
      );
    },
  });
  console.log(
    await Promise.race([
      name === "ping"
        ? ping(client, n, deadline)
        : request(client, line, deadline),
      hopeless(client),
    ]),
  );
}

/** Rejects once it is clear that no attempt will do: a request would wait. */
function hopeless(client: CypherClient): Promise<never> {
  return new Promise((_, reject) =>
    client.connect().catch((error: CypherError) => {
      if (error.code !== "REFUSED") reject(error);
    })
  );
}

async function request(
  client: CypherClient,
  { positionals, switches }: CommandLine,
  deadline: number,
): Promise<string> {
  const [operation, path, text] = positionals;
  const answer = await client.request({
    operation,
    path,
    ...(text !== undefined && { data: await dataOf(text) }),
  }, { deadline });
  return printable(
    JSON.stringify(switches["body"] ? answer.body : answer.data),
  );
}

/** What `deno task certs` made: the authority, and a certificate to show. */
async function findCertificates(show: boolean): Promise<ClientTls> {
  return {
    caCerts: [await pem("ca.pem")],
    ...(show &&
      { cert: await pem("client.pem"), key: await pem("client.key") }),
  };
}

async function pem(name: string): Promise<string> {
  const file = `.cypher/${name}`;
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw fileError("read", file, error);
    }
    throw new CypherError(
      "BAD_OPTION",
      `There is no ${file}: run "deno task certs" here once, or copy it from ` +
        "where the server is",
    );
  }
}

/** The keys from the environment, else from the server's key file. */
async function findKeys(): Promise<
  { encryptionKey: string; decryptionKey: string }
> {
  const given = keysOf((name) => Deno.env.get(name));
  if (given) return given;
  try {
    const keys = parseKeys(await Deno.readTextFile(KEY_FILE));
    const warning = await exposureOf(Deno.stat, Deno.build.os);
    if (warning) console.error(warning);
    return {
      encryptionKey: keys.clientToServer,
      decryptionKey: keys.serverToClient,
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw fileError("read", KEY_FILE, error);
    }
    throw new CypherError(
      "BAD_OPTION",
      `There are no keys: run "deno task serve" here once, which makes ` +
        `${KEY_FILE}, or set CYPHER_ENCRYPTION_KEY and CYPHER_DECRYPTION_KEY`,
    );
  }
}

/** What a person means by DATA. */
async function dataOf(given: string): Promise<unknown> {
  const piped = given === "-";
  const text = piped ? await new Response(Deno.stdin.readable).text() : given;
  try {
    return JSON.parse(text);
  } catch {
    // What begins as JSON does is a slip, and would be stored as a string.
    if (!/^\s*[[{"]/.test(text)) return piped ? text.trimEnd() : text;
    throw new CypherError(
      "BAD_OPTION",
      `Cannot use DATA: it begins like JSON and is none. In a shell it stands ` +
        `in single quotes: '{"celsius": 21.5}'`,
    );
  }
}

/** What is said of an error: of what people can do with these commands. */
function clientComplaintOf(error: unknown): unknown {
  const complaint = complaintOf(error);
  if (typeof complaint !== "string") return complaint;
  const [, name = "NAME"] = /not valid for name "([^"]+)"/.exec(complaint) ??
    [];
  return complaint.replace(
    NAME_REMEDY,
    "use --hostname with a name of the certificate's, or make one for this " +
      `name where the server is: deno task certs --hosts ${name}`,
  );
}

function oneLine({ status, message }: CypherStatus): string {
  return printable(`${status}: ${message}`);
}
