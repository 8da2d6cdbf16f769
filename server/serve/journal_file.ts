import { CypherError } from "../../protocol/errors.ts";
import { fileError } from "../../protocol/file_error.ts";

/** The one folder that `deno task serve` may write in. */
const FOLDER = ".cypher";
/** A file in it: the folder that it is in, with what leads nowhere else. */
const INSIDE = /^((?:\.\/)*\.cypher(?=\/)(?!.*\.\.).*)\/[^/]+$/;

/**
 * Opens what has its journal in this file, "" for none. With the keys in the
 * environment the folder may not be there yet.
 *
 * @throws {CypherError} `BAD_OPTION`, saying where a journal can be.
 */
export async function withJournal<T>(file: string, open: () => T): Promise<T> {
  const folder = INSIDE.exec(file)?.[1];
  if (folder) await makeFolder(folder);
  try {
    return open();
  } catch (error) {
    throw file !== "" && await isElsewhere(error) ? elsewhere(file) : error;
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError("make", folder, error);
  }
}

/** Whether it is about a file that, unlike the folder, may not be used. */
async function isElsewhere(error: unknown): Promise<boolean> {
  if (!(error instanceof CypherError)) return false;
  if (!(error.cause instanceof Deno.errors.NotCapable)) return false;
  const states = await Promise.all(
    (["read", "write"] as const).map((name) =>
      Deno.permissions.query({ name, path: FOLDER })
    ),
  );
  return states.every(({ state }) => state === "granted");
}

/** Deno advises a flag, which a task does not take. */
function elsewhere(file: string): CypherError {
  return new CypherError(
    "BAD_OPTION",
    `Cannot use --journal ${file}: deno task serve may write in ${FOLDER}/ ` +
      `alone, so give a file there, such as ${FOLDER}/journal.db`,
  );
}
