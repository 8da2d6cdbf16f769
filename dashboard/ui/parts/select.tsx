/** A labelled choice of one. */
export function Select({ label, value, options, choose }: {
  readonly label: string;
  readonly value: string;
  /** Values with their words. */
  readonly options: readonly (readonly [string, string])[];
  readonly choose: (value: string) => void;
}) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      {options.map(([key, word]) => (
        <option key={key} value={key}>{word}</option>
      ))}
    </select>
  );
}
