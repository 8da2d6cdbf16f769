import { Buffer } from "node:buffer";
import * as grpc from "npm:@grpc/grpc-js@1.14.7";
import { filler, type PeerKind } from "../support.ts";

/** A message with one string, as `message Text { string text = 1; }` has it. */
const text = {
  requestStream: false,
  responseStream: false,
  requestSerialize: writeText,
  requestDeserialize: readText,
  responseSerialize: writeText,
  responseDeserialize: readText,
};
const service = {
  echo: { path: "/bench.Bench/Echo", ...text },
  want: { path: "/bench.Bench/Want", ...text },
};
const LIMITS = {
  "grpc.max_receive_message_length": 2 ** 24,
  "grpc.max_send_message_length": 2 ** 24,
};

/** gRPC unary calls over HTTP/2, by the library in JavaScript. */
export const peer: PeerKind = {
  version: () => "@grpc/grpc-js 1.14.7",
  serve() {
    const server = new grpc.Server(LIMITS);
    server.addService(service, {
      echo(
        call: grpc.ServerUnaryCall<string, string>,
        done: grpc.sendUnaryData<string>,
      ) {
        done(null, call.request);
      },
      want(
        call: grpc.ServerUnaryCall<string, string>,
        done: grpc.sendUnaryData<string>,
      ) {
        done(null, filler(Number(call.request)));
      },
    });
    return new Promise((resolve, reject) =>
      server.bindAsync(
        "127.0.0.1:0",
        grpc.ServerCredentials.createInsecure(),
        (error, port) => error ? reject(error) : resolve(port),
      )
    );
  },
  connect(port) {
    const client = new grpc.Client(
      `127.0.0.1:${port}`,
      grpc.credentials.createInsecure(),
      LIMITS,
    );
    const ask = ({ path }: { path: string }, value: string) =>
      new Promise<string | undefined>((resolve, reject) =>
        client.makeUnaryRequest(
          path,
          writeText,
          readText,
          value,
          (error, answer) => error ? reject(error) : resolve(answer),
        )
      );
    return {
      echo: (value) => ask(service.echo, value),
      want: (size) => ask(service.want, String(size)),
      close: () => client.close(),
    };
  },
};

/** Field 1, of variable length: its tag, its length as a varint, its UTF-8. */
function writeText(value: string): Buffer {
  const header = [0x0a];
  let length = Buffer.byteLength(value);
  for (; length > 0x7f; length >>>= 7) header.push(length & 0x7f | 0x80);
  header.push(length);
  return Buffer.concat([Buffer.from(header), Buffer.from(value)]);
}

function readText(message: Buffer): string {
  let at = 1;
  while (message[at]! > 0x7f) at++;
  return message.toString("utf8", at + 1);
}
