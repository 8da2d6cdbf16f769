/** Certificates of every kind that a peer may show, and what to trust. */

import { assertEquals } from "@std/assert";
// @ts-types="npm:@types/node-forge@^1.3.14"
import forge from "npm:node-forge@^1.4.3";
import { generateKeyPairSync } from "node:crypto";
import config from "../../deno.json" with { type: "json" };
import { Program } from "./program.ts";

/** A certificate with its key, as PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** What `deno task certs` makes, in a folder of its own. */
export interface Made extends Pair {
  readonly folder: string;
  readonly ca: string;
  readonly client: Pair;
  readonly output: string;
}

const certs = new URL("../../server/certs.ts", import.meta.url).pathname;
const [permissions] = /--allow.*(?= server\/certs)/.exec(
  config.tasks.certs.command,
)!;

/** Runs `deno task certs` in a folder, with the permissions of the task. */
export function runCerts(folder: string, flags: string[] = []): Program {
  return new Program(
    [
      "run",
      "--no-prompt",
      ...permissions.split(" "),
      certs,
      ...flags,
    ],
    { cwd: folder },
  );
}

/** What it makes, in a new folder that is removed when the tests end. */
export async function makeCerts(...flags: string[]): Promise<Made> {
  const folder = await Deno.makeTempDir();
  globalThis.addEventListener("unload", () => {
    Deno.removeSync(folder, { recursive: true });
  });
  await using program = runCerts(folder, flags);
  assertEquals(await program.ended, 0, program.errors);
  const read = (name: string) => Deno.readTextFile(`${folder}/.cypher/${name}`);
  return {
    folder,
    ca: await read("ca.pem"),
    cert: await read("cert.pem"),
    key: await read("key.pem"),
    client: { cert: await read("client.pem"), key: await read("client.key") },
    output: program.output,
  };
}

/** An authority that signs whatever a test needs. */
export class Authority {
  readonly ca: string;
  readonly #key = makeKey();
  readonly #name: forge.pki.CertificateField[];

  constructor(name: string) {
    this.#name = [{ name: "commonName", value: name }];
    this.ca = this.#sign(this.#key.publicKey, this.#name, [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ]);
  }

  /** A certificate for `localhost`, good for its `usage` alone. */
  issue(
    usage: "clientAuth" | "serverAuth",
    { expired = false } = {},
  ): Pair {
    const { publicKey, privateKey } = makeKey();
    const subject = [{ name: "commonName", value: "localhost" }];
    const cert = this.#sign(publicKey, subject, [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "extKeyUsage", [usage]: true },
      {
        name: "subjectAltName",
        altNames: [{ type: 2, value: "localhost" }],
      },
    ], expired);
    return { cert, key: privateKey };
  }

  #sign(
    publicKey: string,
    subject: forge.pki.CertificateField[],
    extensions: object[],
    expired = false,
  ): string {
    const day = 86_400_000;
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
    certificate.serialNumber = "01";
    const { validity } = certificate;
    validity.notBefore = new Date(Date.now() - 9 * day);
    validity.notAfter = new Date(Date.now() + (expired ? -day : day));
    certificate.setSubject(subject);
    certificate.setIssuer(this.#name);
    certificate.setExtensions(extensions);
    const key = forge.pki.privateKeyFromPem(this.#key.privateKey);
    certificate.sign(key, forge.md.sha256.create());
    return forge.pki.certificateToPem(certificate);
  }
}

function makeKey(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}
