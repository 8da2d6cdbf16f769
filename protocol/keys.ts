import { CypherError } from "./errors.ts";

/** How many characters, and bytes, a key has. */
const KEY_LENGTH = 32;

/** Where the commands keep the keys, in the folder they are started in. */
export const KEY_FILE = ".cypher/keys.json";

/** The two keys of a connection, named by what they encrypt. */
export interface KeyPair {
  /** Encrypts what the client sends. */
  readonly clientToServer: string;
  /** Encrypts what the server sends. */
  readonly serverToClient: string;
}

/**
 * Turns a key into its bytes: 32 ASCII characters, one byte each.
 *
 * @throws {CypherError} `BAD_OPTION` naming the option and what is wrong with
 * the key's form, never the key.
 */
export function keyBytes(option: string, key: string): Uint8Array<ArrayBuffer> {
  if (typeof key !== "string") throw badKey(option, `got ${typeof key}`);
  if (key.length !== KEY_LENGTH) {
    throw badKey(option, `got ${key.length} characters${wrappingOf(key)}`);
  }
  const bytes = new Uint8Array(KEY_LENGTH);
  for (let i = 0; i < KEY_LENGTH; i++) {
    const code = key.charCodeAt(i);
    if (code > 0x7f) throw badKey(option, `character ${i + 1} is not ASCII`);
    bytes[i] = code;
  }
  return bytes;
}

/** Makes a random pair: 192 bits a key, in 32 characters of base64url. */
export function generateKeys(): KeyPair {
  return { clientToServer: randomKey(), serverToClient: randomKey() };
}

/**
 * Reads the text of a keys file: JSON with a {@linkcode KeyPair}.
 *
 * @throws {CypherError} `BAD_OPTION` naming the file and what is missing, never
 * a key.
 */
export function parseKeys(text: string, file = KEY_FILE): KeyPair {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof CypherError)) throw error;
    throw new CypherError(error.code, `${file}: ${error.message}`);
  }
}

function parse(text: string): KeyPair {
  let keys: Partial<KeyPair> | null;
  try {
    keys = JSON.parse(text);
  } catch {
    // The engine's message would quote the file.
    throw new CypherError("BAD_OPTION", "Cannot read the keys: not JSON");
  }
  const { clientToServer, serverToClient } = keys ?? {};
  if (clientToServer === undefined) throw lacks("clientToServer");
  if (serverToClient === undefined) throw lacks("serverToClient");
  keyBytes("clientToServer", clientToServer);
  keyBytes("serverToClient", serverToClient);
  return { clientToServer, serverToClient };
}

/** The names that the file has instead might be keys. */
function lacks(name: keyof KeyPair): CypherError {
  return new CypherError(
    "BAD_OPTION",
    `Cannot read the keys: "${name}" is missing; it must have ` +
      '"clientToServer" and "serverToClient"',
  );
}

/**
 * What to say of a keys file that others than its owner can open, if they can:
 * by its mode and its folder's, which `stat` tells. Windows has none.
 */
export async function exposureOf(
  stat: (path: string) => Promise<{ readonly mode: number | null }>,
  os: string,
  file = KEY_FILE,
): Promise<string | undefined> {
  if (os === "windows") return;
  const folder = file.slice(0, Math.max(0, file.lastIndexOf("/"))) || ".";
  const [own, around] = await Promise.all([stat(file), stat(folder)]);
  const isOpen = ((own.mode ?? 0) & 0o077) !== 0;
  const isReached = ((around.mode ?? 0) & 0o011) !== 0;
  if (!isOpen || !isReached) return;
  return `Others on this machine can open ${file}, which is for its owner ` +
    `alone: chmod 600 ${file}`;
}

/**
 * The keys of this end from the environment, or undefined if it has none.
 *
 * @throws {CypherError} `BAD_OPTION` if it has one of the two, or if one is
 * not of its form.
 */
export function keysOf(
  environment: (name: string) => string | undefined,
): { encryptionKey: string; decryptionKey: string } | undefined {
  const encryptionKey = environment("CYPHER_ENCRYPTION_KEY");
  const decryptionKey = environment("CYPHER_DECRYPTION_KEY");
  if (encryptionKey !== undefined && decryptionKey !== undefined) {
    keyBytes("CYPHER_ENCRYPTION_KEY", encryptionKey);
    keyBytes("CYPHER_DECRYPTION_KEY", decryptionKey);
    return { encryptionKey, decryptionKey };
  }
  if (encryptionKey === undefined && decryptionKey === undefined) return;
  throw new CypherError(
    "BAD_OPTION",
    "Set both CYPHER_ENCRYPTION_KEY and CYPHER_DECRYPTION_KEY, or neither",
  );
}

/** What a secret's file or a .env brings along with a key, if it is that. */
function wrappingOf(key: string): string {
  if (key.trim().length === KEY_LENGTH) return ": white space around them";
  const quoted = /^(["']).*\1$/s.test(key) && key.length === KEY_LENGTH + 2;
  return quoted ? ": quotes around them" : "";
}

function randomKey(): string {
  return crypto.getRandomValues(new Uint8Array((KEY_LENGTH / 4) * 3))
    .toBase64({ alphabet: "base64url" });
}

function badKey(option: string, problem: string): CypherError {
  return new CypherError(
    "BAD_OPTION",
    `Cannot use the key "${option}": it must be ${KEY_LENGTH} ASCII ` +
      `characters, ${problem}`,
  );
}
