/** The product's mark: a C that closes around its peer. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path
        d="M19.2 6.6a9 9 0 1 0 0 10.8"
        fill="none"
        stroke="currentColor"
        stroke-width="3"
        stroke-linecap="round"
      />
      <circle class="mark-peer" cx="17.5" cy="12" r="2.6" />
    </svg>
  );
}
