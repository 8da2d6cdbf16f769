/**
 * Everything that a terminal would act on, or show as what it is not, as an
 * escape: ends of lines, control characters, changes of direction. What is JSON
 * stays the same JSON, as long as it is on one line.
 */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) =>
      character.split("").map((unit) =>
        `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
      ).join(""),
  );
}
