import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { CypherError } from "./errors.ts";

const CERTIFICATE =
  /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Checks a certificate and its private key, both PEM, where they enter: later
 * no handshake would succeed, and none would say why.
 *
 * @throws {CypherError} `BAD_OPTION` naming the one of the `group` that is not
 * right.
 */
export function checkCertificate(
  group: string,
  cert: unknown,
  key: unknown,
): void {
  const [certificate] = certificatesIn(`${group}.cert`, cert);
  if (certificate!.checkPrivateKey(privateKeyIn(`${group}.key`, key))) return;
  throw wrong(`${group}.key`, `the private key of ${group}.cert`);
}

/**
 * Checks authorities' certificates, each a PEM text of one or more.
 *
 * @throws {CypherError} `BAD_OPTION` if one of them does not parse, or if there
 * is none.
 */
export function checkAuthorities(name: string, given: unknown): void {
  const texts = [given].flat();
  if (texts.length === 0) throw wrong(name, "one PEM text or more");
  for (const text of texts) certificatesIn(name, text);
}

function certificatesIn(name: string, text: unknown): X509Certificate[] {
  const blocks = typeof text === "string" ? text.match(CERTIFICATE) : null;
  try {
    if (blocks) return blocks.map((block) => new X509Certificate(block));
  } catch {
    // The reason might quote it.
  }
  throw wrong(name, "a certificate as a PEM text");
}

function privateKeyIn(name: string, text: unknown): KeyObject {
  try {
    if (typeof text === "string") return createPrivateKey(text);
  } catch {
    // The reason might quote it.
  }
  throw wrong(name, "a private key as a PEM text, without a passphrase");
}

/** What was given is not shown: somebody may have mistaken the key for it. */
function wrong(name: string, requirement: string): CypherError {
  return new CypherError(
    "BAD_OPTION",
    `Cannot use the option "${name}": it must be ${requirement}`,
  );
}
