import { connect } from "npm:@nats-io/transport-node@3.4.0";
import { filler, outputOf, type PeerKind } from "../support.ts";

const CONFIG = "listen: 127.0.0.1:-1\nmax_payload: 8MB\n";

/**
 * NATS request/reply: a broker, and a responder behind it. Both are on the
 * servers' core.
 */
export const peer: PeerKind = {
  async version() {
    const server = await outputOf("nats-server", "--version");
    return `${server?.replace(":", "")}, @nats-io/transport-node 3.4.0`;
  },
  async serve() {
    const port = await startBroker();
    const nats = await connect({ port });
    nats.subscribe("echo", {
      callback(_, message) {
        message.respond(JSON.stringify(message.json()));
      },
    });
    nats.subscribe("want", {
      callback(_, message) {
        message.respond(JSON.stringify(filler(message.json())));
      },
    });
    await nats.flush();
    return port;
  },
  async connect(port) {
    const nats = await connect({ port });
    const ask = async (subject: string, data: string | number) => {
      const body = JSON.stringify(data);
      return (await nats.request(subject, body, { timeout: 60_000 })).json();
    };
    return {
      echo: (text) => ask("echo", text),
      want: (size) => ask("want", size),
      close: () => nats.close(),
    };
  },
};

async function startBroker(): Promise<number> {
  const config = await Deno.makeTempFile({ suffix: ".conf" });
  await Deno.writeTextFile(config, CONFIG);
  const broker = new Deno.Command("nats-server", {
    args: ["--config", config],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  addEventListener("unload", () => {
    broker.kill();
    Deno.removeSync(config);
  });
  let log = "";
  for await (const text of broker.stderr.pipeThrough(new TextDecoderStream())) {
    log += text;
    const listening = /client connections on [\d.]+:(\d+)/.exec(log);
    if (listening && log.includes("Server is ready")) {
      return Number(listening[1]);
    }
  }
  throw new Error("nats-server did not start");
}
