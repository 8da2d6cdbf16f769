import { CypherError } from "../errors.ts";

/** AES-GCM's usual IV (NIST SP 800-38D, 8.2), in bytes. */
const IV_BYTES = 12;
const encoder = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** From whom to whom a message goes. */
export interface Route {
  /** The sender's username. */
  readonly from: string;
  /** The recipient's username. */
  readonly to: string;
}

/**
 * Seals a private message: base64(IV ‖ ciphertext), with the sender, a space
 * and the recipient as additional data (chat.md).
 */
export async function sealMessage(
  key: CryptoKey,
  route: Route,
  text: string,
): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt(
      parameters(iv, route),
      key,
      encoder.encode(text),
    ),
  );
  const whole = new Uint8Array(iv.length + sealed.length);
  whole.set(iv);
  whole.set(sealed, iv.length);
  return whole.toBase64();
}

/**
 * Opens a private message.
 *
 * @throws {CypherError} `BAD_TOKEN` if it does not open: it was altered, sealed
 * with another key, or meant for somebody else.
 */
export async function openMessage(
  key: CryptoKey,
  route: Route,
  sealed: string,
): Promise<string> {
  try {
    const whole = Uint8Array.fromBase64(sealed);
    const iv = whole.subarray(0, IV_BYTES);
    if (iv.length < IV_BYTES) throw new RangeError("Too short");
    const plain = await crypto.subtle.decrypt(
      parameters(iv, route),
      key,
      whole.subarray(IV_BYTES),
    );
    return utf8.decode(plain);
  } catch (cause) {
    throw new CypherError("BAD_TOKEN", "Cannot open the message", { cause });
  }
}

function parameters(
  iv: Uint8Array<ArrayBuffer>,
  { from, to }: Route,
): AesGcmParams {
  return {
    name: "AES-GCM",
    iv,
    // A username has no space, so no two routes give the same bytes.
    additionalData: encoder.encode(`${from} ${to}`),
  };
}
