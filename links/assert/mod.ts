/**
 * The assertions of `@std/assert` that this project's tests use, on
 * `node:assert`, for machines that cannot reach the JSR registry.
 *
 * @module
 */
import nodeAssert from "node:assert";

/** What a failed assertion throws. */
export class AssertionError extends Error {
  /** Makes one; the message says what was expected. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Asserts that a value is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Asserts that two values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  rethrown(() => nodeAssert.deepStrictEqual(actual, expected), msg);
}

/** Asserts that two values are the same by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  rethrown(() => nodeAssert.strictEqual(actual, expected), msg);
}

/** Asserts that two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  rethrown(() => nodeAssert.notDeepStrictEqual(actual, expected), msg);
}

/** Asserts that a string contains another. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  assert(
    actual.includes(expected),
    msg ?? `Expected actual: "${actual}" to contain: "${expected}"`,
  );
}

/** Asserts that a string matches a regular expression. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  rethrown(() => nodeAssert.match(actual, expected), msg);
}

/** Asserts that a value is an instance of a class. */
export function assertInstanceOf<
  T extends abstract new (...args: never[]) => unknown,
>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T> {
  assert(
    actual instanceof expectedType,
    msg ?? `Expected object to be an instance of "${expectedType.name}"`,
  );
}

/** Node's comparisons throw an AssertionError of their own. */
function rethrown(compare: () => void, msg: string | undefined): void {
  try {
    compare();
  } catch (error) {
    throw new AssertionError(msg ?? (error as Error).message);
  }
}

/** Asserts that a function throws, and returns what it threw. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: abstract new (...args: never[]) => E,
  msgIncludes?: string,
  msg?: string,
): E {
  try {
    fn();
  } catch (error) {
    return checked(error, errorClass, msgIncludes, msg);
  }
  throw new AssertionError(msg ?? "Expected function to throw.");
}

/** Asserts that a function's promise rejects, and resolves to the reason. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: abstract new (...args: never[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    throw new AssertionError(
      msg ?? "Function throws when expected to reject.",
    );
  }
  try {
    await promise;
  } catch (error) {
    return checked(error, errorClass, msgIncludes, msg);
  }
  throw new AssertionError(msg ?? "Expected function to reject.");
}

function checked<E extends Error>(
  error: unknown,
  errorClass: (abstract new (...args: never[]) => E) | undefined,
  msgIncludes: string | undefined,
  msg?: string,
): E {
  if (errorClass) {
    assertInstanceOf(error, errorClass, msg);
    assertStringIncludes(error.message, msgIncludes ?? "", msg);
  }
  return error as E;
}
