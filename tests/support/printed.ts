// deno-lint-ignore-file no-console
/** What is printed on the standard error, instead of being printed. */
export class Printed implements Disposable {
  /** What was given, a call for each. */
  readonly calls: string[] = [];
  readonly #before = console.error;

  constructor() {
    console.error = (...given: unknown[]) => {
      this.calls.push(given.join(" "));
    };
  }

  [Symbol.dispose](): void {
    console.error = this.#before;
  }
}
