import { fileError } from "../protocol/file_error.ts";
import {
  exposureOf,
  generateKeys,
  KEY_FILE,
  type KeyPair,
  parseKeys,
} from "../protocol/keys.ts";

/**
 * Reads the key file, making it first if there is none: a random pair that only
 * its owner may read. `made` tells which it was, `warning` what is wrong
 * with a file that will do.
 *
 * @throws {CypherError} `BAD_OPTION` if the file is not what it should be, or
 * the system does not let us read or make it.
 */
export async function loadOrMakeKeys(
  path: string = KEY_FILE,
): Promise<
  { keys: KeyPair; made: boolean; warning?: string | undefined }
> {
  try {
    const text = await Deno.readTextFile(path);
    return {
      keys: parseKeys(text, path),
      made: false,
      warning: await exposureOf(Deno.stat, Deno.build.os, path),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw fileError("read", path, error);
    }
  }
  const keys = generateKeys();
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  try {
    if (folder) await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(path, JSON.stringify(keys, null, 2) + "\n", {
      createNew: true,
      mode: 0o600,
    });
  } catch (error) {
    throw fileError("make", path, error);
  }
  return { keys, made: true };
}
