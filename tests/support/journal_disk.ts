import { DatabaseSync } from "node:sqlite";

/** Where files cost no disk's time, if there is such a place. */
const MEMORY = "/dev/shm";

/**
 * What outlives a server's process in a simulation: its journal, as the last
 * process left it, be it by an orderly end or by a crash.
 */
export class JournalDisk implements Disposable {
  readonly #folder: string;
  #crashes = 0;

  constructor() {
    this.#folder = isFolder(MEMORY)
      ? Deno.makeTempDirSync({ dir: MEMORY })
      : Deno.makeTempDirSync();
  }

  /** The journal of the next process. */
  get path(): string {
    return `${this.#folder}/journal-${this.#crashes}.db`;
  }

  /**
   * The process crashes now: what it has not committed is gone, and whatever
   * it still does, the next one does not see.
   */
  crash(): void {
    const before = this.path;
    this.#crashes++;
    for (const suffix of ["", "-wal"]) {
      try {
        Deno.copyFileSync(before + suffix, this.path + suffix);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }

  /** The requests that began and have no ending, as no process has it open. */
  started(): string[] {
    return this.#rows("WHERE type IS NULL");
  }

  /** All requests that are kept, as no process has it open. */
  kept(): string[] {
    return this.#rows("");
  }

  #rows(where: string): string[] {
    const database = new DatabaseSync(this.path);
    const rows = database.prepare(
      `SELECT client || '-' || id AS identity FROM requests ${where}`,
    ).all();
    database.close();
    return rows.map((row) => row["identity"] as string);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
