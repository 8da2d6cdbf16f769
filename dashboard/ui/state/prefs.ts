import { type Signal, signal } from "@preact/signals";

/**
 * A signal that survives a reload. What is stored is checked by `parse`,
 * which returns null for what it does not understand; where storage is
 * forbidden it is a plain signal.
 */
export function stored<T>(
  key: string,
  fallback: T,
  parse: (value: unknown) => T | null,
): Signal<T> {
  const name = `cypher.${key}`;
  const value = signal(read(name, parse) ?? fallback);
  value.subscribe((next) => {
    try {
      localStorage.setItem(name, JSON.stringify(next));
    } catch {
      // Private windows may refuse; the choice then lasts as long as the page.
    }
  });
  return value;
}

function read<T>(name: string, parse: (value: unknown) => T | null): T | null {
  try {
    const text = localStorage.getItem(name);
    return text === null ? null : parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export const asBoolean = (value: unknown): boolean | null =>
  typeof value === "boolean" ? value : null;
