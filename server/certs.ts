/**
 * `deno task certs`: a certificate for developing with TLS on this machine.
 *
 * @module
 */
// deno-lint-ignore-file no-console
// @ts-types="npm:@types/node-forge@^1.3.14"
import forge from "npm:node-forge@^1.4.3";
import { generateKeyPairSync } from "node:crypto";

/** Where {@linkcode makeCertificates} puts its files. */
const FOLDER = ".cypher";
/** The names and addresses that the certificate is for. */
const NAMES = ["localhost"];
const ADDRESSES = ["127.0.0.1", "::1"];
const DAYS = 365;
/** RSA, as the library knows no curves; 3,072 bits make the 128 of ours. */
const BITS = 3_072;

/** What `deno task certs` makes, as PEM. */
interface Certificates {
  /** The authority's certificate, for clients to trust. */
  readonly ca: string;
  /** The server's certificate. */
  readonly cert: string;
  /** The server's private key. */
  readonly key: string;
}

/**
 * Makes an authority and a server's certificate. The authority's own key is
 * given to nobody: whoever trusts it trusts this one certificate.
 */
function makeCertificates(): Certificates {
  const authority = makeKeys();
  const server = makeKeys();
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
  const subject = [{ name: "commonName", value: NAMES[0]! }];
  const cert = certificateOf(server.publicKey, subject, issuer, [
    { name: "basicConstraints", cA: false, critical: true },
    { name: "keyUsage", digitalSignature: true, critical: true },
    { name: "extKeyUsage", serverAuth: true },
    {
      name: "subjectAltName",
      // The kinds of GeneralName: RFC 5280, 4.2.1.6.
      altNames: [
        ...NAMES.map((value) => ({ type: 2, value })),
        ...ADDRESSES.map((ip) => ({ type: 7, ip })),
      ],
    },
  ]);
  cert.sign(signer, forge.md.sha256.create());
  return {
    ca: forge.pki.certificateToPem(ca),
    cert: forge.pki.certificateToPem(cert),
    key: server.privateKey,
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

/** Writes the three files; gives their names. Overwrites none. */
async function writeCertificates(folder: string): Promise<string[]> {
  const names = { ca: "ca.pem", cert: "cert.pem", key: "key.pem" };
  const paths = Object.values(names).map((name) => `${folder}/${name}`);
  for (const path of paths) {
    if (!await exists(path)) continue;
    throw new Error(`${path} is there already: remove it to make a new one`);
  }
  const made = makeCertificates();
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for (const kind of ["ca", "cert", "key"] as const) {
    await Deno.writeTextFile(`${folder}/${names[kind]}`, made[kind], {
      createNew: true,
      mode: kind === "key" ? 0o600 : 0o644,
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
    const [ca, cert, key] = await writeCertificates(FOLDER);
    console.log(`Made, for ${[...NAMES, ...ADDRESSES].join(", ")}, ${DAYS} days:
  ${ca}    a development authority, for clients to trust; its key is kept nowhere
  ${cert}  the server's certificate
  ${key}   its private key, for its owner's eyes alone

Use them so:
  new CypherServer({ ..., tls: {
    cert: await Deno.readTextFile("${cert}"),
    key: await Deno.readTextFile("${key}"),
  } });
  new CypherClient({ ..., tls: {
    caCerts: [await Deno.readTextFile("${ca}")],
  } });`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
