import { CypherError } from "../../protocol/errors.ts";
import { fileError } from "../../protocol/file_error.ts";
import { KEY_FILE, keysOf } from "../../protocol/keys.ts";
import { loadOrMakeKeys } from "../key_file.ts";
import type { LogLevel } from "../log/line.ts";
import type { ServerKeys } from "../key_ring.ts";
import type { TlsKeys } from "../tls_keys.ts";

/**
 * The certificate that `deno task certs` made, and if clients need one as well,
 * the authority.
 *
 * @throws {CypherError} `BAD_OPTION` if it was not made yet, or is not ours to
 * read.
 */
export async function findCertificate(clients: boolean): Promise<TlsKeys> {
  return {
    cert: await pem("cert.pem"),
    key: await pem("key.pem"),
    ...(clients && { clientCa: await pem("ca.pem") }),
  };
}

async function pem(name: string): Promise<string> {
  const file = `.cypher/${name}`;
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw fileError("read", file, error);
    }
    throw new CypherError(
      "BAD_OPTION",
      `There is no ${file}: run "deno task certs" here once`,
    );
  }
}

/**
 * The keys from the environment, else from the key file, which is made if there
 * is none; `say` is told that, or what is wrong with the file.
 */
export async function findKeys(
  say: (text: string, level: LogLevel) => void,
): Promise<ServerKeys> {
  const given = keysOf((name) => Deno.env.get(name));
  if (given) return given;
  const found = await loadOrMakeKeys();
  if (found.made) say(`Made a random pair of keys: ${KEY_FILE}`, "info");
  if (found.warning) say(found.warning, "warn");
  return {
    encryptionKey: found.keys.serverToClient,
    decryptionKey: found.keys.clientToServer,
  };
}
