/**
 * `deno task certs`: a certificate for developing with TLS on this machine.
 *
 * @module
 */
// deno-lint-ignore-file no-console
// @ts-types="npm:@types/node-forge@^1.3.14"
import forge from "npm:node-forge@^1.4.3";
import { generateKeyPairSync } from "node:crypto";
import { isIP } from "node:net";
import {
  type Command,
  helpOf,
  parseCommandLine,
} from "../protocol/command_line.ts";
import { CypherError } from "../protocol/errors.ts";

const COMMAND: Command = {
  usage: "deno task certs",
  about:
    `Makes a development authority, a certificate for the server and one for a
client in .cypher/, for deno task serve --tls. Overwrites nothing.`,
  positionals: [],
  flags: {
    hosts: {
      kind: "text",
      about: "Names and addresses of the server besides this machine's own, " +
        "with commas between, such as 192.0.2.2,box.lan",
      default: "",
    },
  },
};

/** Where {@linkcode makeCertificates} puts its files. */
const FOLDER = ".cypher";
/** What every server's certificate is for: this machine's own names. */
const HOSTS = ["localhost", "127.0.0.1", "::1"];
/** A DNS name: RFC 1123, 2.1, and the underscores that some have. */
const NAME = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.|$))+$/;
/** What ends so is an address, or was meant as one (WHATWG URL, 3.5). */
const NUMERIC = /(^|\.)\d+$/;
const DAYS = 365;
/** RSA, as the library knows no curves; 3,072 bits make the 128 of ours. */
const BITS = 3_072;
/** What certificates that sign no others have. */
const LEAF = [
  { name: "basicConstraints", cA: false, critical: true },
  { name: "keyUsage", digitalSignature: true, critical: true },
];
const FILES = ["ca.pem", "cert.pem", "key.pem", "client.pem", "client.key"];

/** What `deno task certs` makes: the names of its files, and their PEM. */
type Files = Record<string, string>;

/**
 * Makes an authority, a server's certificate and a client's. The authority's
 * own key is given to nobody: whoever trusts it trusts these two alone.
 */
function makeCertificates(hosts: readonly string[]): Files {
  const authority = makeKeys();
  const server = makeKeys();
  const client = makeKeys();
  const signer = forge.pki.privateKeyFromPem(authority.privateKey);
  // Named apart: of two by one name, a client would say that the other lies.
  const name = `Cypher development CA ${serialNumber().slice(0, 8)}`;
  const issuer = [{ name: "commonName", value: name }];
  const ca = certificateOf(authority.publicKey, issuer, issuer, [
    {
      name: "basicConstraints",
      cA: true,
      pathLenConstraint: 0,
      critical: true,
    },
    { name: "keyUsage", keyCertSign: true, critical: true },
    { name: "subjectKeyIdentifier" },
  ]);
  ca.sign(signer, forge.md.sha256.create());
  const subject = [{ name: "commonName", value: hosts[0]! }];
  const cert = certificateOf(server.publicKey, subject, issuer, [
    ...LEAF,
    { name: "extKeyUsage", serverAuth: true },
    {
      name: "subjectAltName",
      // The kinds of GeneralName: RFC 5280, 4.2.1.6.
      altNames: [
        ...hosts.filter((host) => !isIP(host))
          .map((value) => ({ type: 2, value })),
        ...hosts.filter(isIP).map((ip) => ({ type: 7, ip })),
      ],
    },
  ]);
  cert.sign(signer, forge.md.sha256.create());
  const holder = [{ name: "commonName", value: "client" }];
  const clientCert = certificateOf(client.publicKey, holder, issuer, [
    ...LEAF,
    { name: "extKeyUsage", clientAuth: true },
  ]);
  clientCert.sign(signer, forge.md.sha256.create());
  return {
    "ca.pem": forge.pki.certificateToPem(ca),
    "cert.pem": forge.pki.certificateToPem(cert),
    "key.pem": server.privateKey,
    "client.pem": forge.pki.certificateToPem(clientCert),
    "client.key": client.privateKey,
  };
}

/** A pair of keys, as PEM. */
function makeKeys(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync("rsa", {
    modulusLength: BITS,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}

function certificateOf(
  publicKey: string,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  extensions: object[],
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = serialNumber();
  const { notBefore, notAfter } = certificate.validity;
  notBefore.setMinutes(notBefore.getMinutes() - 5);
  notAfter.setTime(notBefore.getTime() + DAYS * 86_400_000);
  certificate.setSubject(subject);
  certificate.setIssuer(issuer);
  certificate.setExtensions(extensions);
  return certificate;
}

/** A random one, positive and of full length (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = bytes[0]! & 0x3f | 0x40;
  return bytes.toHex();
}

/**
 * The hosts that a person gave, after those of every certificate.
 *
 * @throws {CypherError} `BAD_OPTION` naming one that is none.
 */
function hostsOf(given: string): string[] {
  const others = given === "" ? [] : given.split(",").map(hostOf);
  return [...new Set([...HOSTS, ...others])];
}

/** One of them, as it is compared: in lower case, IPv6 at its shortest. */
function hostOf(given: string): string {
  const host = given.trim().toLowerCase();
  const ipv6 = isIP(host) === 6 && URL.parse(`http://[${host}]`)?.hostname;
  if (ipv6 && ipv6 !== "[::]") return ipv6.slice(1, -1);
  if (isIP(host) === 4 && host !== "0.0.0.0") return host;
  if (NAME.test(host) && !host.endsWith(".") && !NUMERIC.test(host)) {
    return host;
  }
  throw new CypherError(
    "BAD_OPTION",
    "Cannot use --hosts: it must be names and addresses that clients ask " +
      `for, such as 192.0.2.2,box.lan, got ${JSON.stringify(given)}`,
  );
}

/** Writes the files; gives their paths. Overwrites none. */
async function writeCertificates(
  folder: string,
  hosts: readonly string[],
): Promise<string[]> {
  const paths = FILES.map((name) => `${folder}/${name}`);
  for (const path of paths) {
    if (!await exists(path)) continue;
    throw new Error(
      `${path} is there already: for new ones, remove the .pem files and ` +
        `client.key in ${folder}`,
    );
  }
  const made = makeCertificates(hosts);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of FILES) {
    await Deno.writeTextFile(`${folder}/${name}`, made[name]!, {
      createNew: true,
      mode: 0o600,
    });
  }
  return paths;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  try {
    const line = parseCommandLine(
      COMMAND,
      Deno.args,
      (name) => Deno.env.get(name),
    );
    if (line) await main(hostsOf(line.texts["hosts"]!));
    else console.log(helpOf(COMMAND));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}

async function main(hosts: readonly string[]): Promise<void> {
  const [ca, cert, key, clientCert, clientKey] = await writeCertificates(
    FOLDER,
    hosts,
  );
  console.log(`Made, for ${hosts.join(", ")}, ${DAYS} days:
  ${ca}      a development authority, to be trusted; its key is kept nowhere
  ${cert}    the server's certificate
  ${key}     its private key, for its owner's eyes alone
  ${clientCert}  a client's certificate, for servers that ask for one
  ${clientKey}  its private key, for its owner's eyes alone

Use them so:
  new CypherServer({ ..., tls: {
    cert: await Deno.readTextFile("${cert}"),
    key: await Deno.readTextFile("${key}"),
  } });
  new CypherClient({ ..., tls: {
    caCerts: [await Deno.readTextFile("${ca}")],
  } });

To let in only clients with a certificate, give the server besides
    clientCa: await Deno.readTextFile("${ca}"),
and the client
    cert: await Deno.readTextFile("${clientCert}"),
    key: await Deno.readTextFile("${clientKey}"),`);
}
