/**
 * The end-to-end encryption of chat.md, written a second time from its text
 * alone and on another library (`node:crypto`), to hold the first against.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { Buffer } from "node:buffer";

const OAEP = {
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: "sha256",
};

/** A stranger's keys, and what can be done with them. */
export class Stranger {
  /** What `PM_PUBKEY` says. */
  readonly announced: string;
  /** What people would compare. */
  readonly fingerprint: string;
  #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2_048,
    });
    const spki = publicKey.export({ type: "spki", format: "der" });
    this.announced = spki.toString("base64");
    const hex = createHash("sha256").update(spki).digest("hex").slice(0, 16);
    this.fingerprint = [0, 4, 8, 12].map((at) => hex.slice(at, at + 4))
      .join(" ");
    this.#privateKey = privateKey;
  }

  /** Opens what `PM_SESSIONKEY` brought. */
  unwrap(wrapped: string): Uint8Array {
    return privateDecrypt(
      { key: this.#privateKey, ...OAEP },
      Buffer.from(wrapped, "base64"),
    );
  }
}

/** Wraps a key for whoever announced that public key. */
export function wrap(announced: string, key: Uint8Array): string {
  const spki = Buffer.from(announced, "base64");
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  return publicEncrypt({ key: publicKey, ...OAEP }, key).toString("base64");
}

/** A random session key. */
export function sessionKey(): Uint8Array {
  return randomBytes(32);
}

/** Seals a message. */
export function seal(
  key: Uint8Array,
  from: string,
  to: string,
  text: string,
): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  cipher.setAAD(Buffer.from(`${from} ${to}`));
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([iv, body, cipher.getAuthTag()]).toString("base64");
}

/** Opens a message. */
export function open(
  key: Uint8Array,
  from: string,
  to: string,
  sealed: string,
): string {
  const whole = Buffer.from(sealed, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, whole.subarray(0, 12));
  decipher.setAAD(Buffer.from(`${from} ${to}`));
  decipher.setAuthTag(whole.subarray(-16));
  return decipher.update(whole.subarray(12, -16), undefined, "utf8") +
    decipher.final("utf8");
}
