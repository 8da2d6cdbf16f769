/** Rows drawn beyond each edge. */
const OVERSCAN = 10;

/** Which rows of equal height a view of `height` px at `top` px needs. */
export function rowSpan(
  top: number,
  height: number,
  rowHeight: number,
  count: number,
): { readonly from: number; readonly to: number } {
  const from = Math.floor(top / rowHeight) - OVERSCAN;
  const to = Math.ceil((top + height) / rowHeight) + OVERSCAN;
  return {
    from: Math.min(Math.max(0, from), count),
    to: Math.max(0, Math.min(count, to)),
  };
}
