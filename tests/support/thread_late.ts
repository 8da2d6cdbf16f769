/**
 * The handler of `thread_handler.ts`, for tests of modules that never finish
 * loading: each load takes a file from the folder that `?permits=` names, and
 * without one it waits for ever, with a lock on the file that `&lock=` names
 * for as long as its thread lives.
 */

export { default, idempotent } from "./thread_handler.ts";

/** Several threads may want the same one. */
function taken(file: string): boolean {
  try {
    Deno.removeSync(file);
    return true;
  } catch {
    return false;
  }
}

const asked = new URL(import.meta.url).searchParams;
const folder = asked.get("permits")!;
const permits = Deno.readDirSync(folder).map(({ name }) => `${folder}/${name}`);
if (!permits.some(taken)) {
  // Several threads may wait: it is a shared lock.
  Deno.openSync(asked.get("lock")!).lockSync(false);
  await new Promise(() => {});
}
