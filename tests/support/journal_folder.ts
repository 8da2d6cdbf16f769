/** A folder for a journal, which goes with the test. */
export class JournalFolder implements Disposable {
  readonly path: string = Deno.makeTempDirSync();
  readonly journal: string = `${this.path}/journal.db`;
  #copies = 0;

  /** What a crash now would leave: a copy of the journal. */
  crash(): string {
    const copy = `${this.path}/copy-${++this.#copies}.db`;
    Deno.copyFileSync(this.journal, copy);
    Deno.copyFileSync(`${this.journal}-wal`, `${copy}-wal`);
    return copy;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
