import { keyBytes } from "./keys.ts";
import { sessionPsk } from "./noise.ts";

/** The handshake's key from a configuration's keys, as one end has them. */
export function pskOf(
  role: "client" | "server",
  { encryptionKey, decryptionKey }: {
    encryptionKey: string;
    decryptionKey: string;
  },
): Uint8Array<ArrayBuffer> {
  const encryption = keyBytes("encryptionKey", encryptionKey);
  const decryption = keyBytes("decryptionKey", decryptionKey);
  return role === "client"
    ? sessionPsk(encryption, decryption)
    : sessionPsk(decryption, encryption);
}
