/**
 * Where a key takes the active row: -1 is the table's head, null means that
 * the key is not about moving.
 */
export function move(
  key: string,
  from: number,
  count: number,
  page: number,
): number | null {
  const last = count - 1;
  const to = target(key, from, last, page);
  return to === null ? null : Math.max(-1, Math.min(last, to));
}

function target(
  key: string,
  from: number,
  last: number,
  page: number,
): number | null {
  switch (key) {
    case "ArrowDown":
    case "j":
      return from + 1;
    case "ArrowUp":
    case "k":
      return from - 1;
    case "Home":
      return Math.min(0, last);
    case "End":
      return last;
    case "PageDown":
      return from + page;
    case "PageUp":
      return Math.max(Math.min(0, last), from - page);
    default:
      return null;
  }
}
