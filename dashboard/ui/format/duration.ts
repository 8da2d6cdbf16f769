const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const two = (n: number) => String(n).padStart(2, "0");

/** `42s`, `14m`, `2h 14m`, `6d 4h`: two units, floored. */
export function duration(ms: number): string {
  const t = Math.max(0, ms);
  if (t < MINUTE) return `${Math.floor(t / SECOND)}s`;
  if (t < HOUR) return `${Math.floor(t / MINUTE)}m`;
  if (t < DAY) {
    const minutes = Math.floor(t % HOUR / MINUTE);
    return `${Math.floor(t / HOUR)}h${minutes ? ` ${minutes}m` : ""}`;
  }
  const hours = Math.floor(t % DAY / HOUR);
  return `${Math.floor(t / DAY)}d${hours ? ` ${hours}h` : ""}`;
}

/** Like {@linkcode duration}, but below an hour it keeps the seconds: `1m 06s`. */
export function idleTime(ms: number): string {
  const t = Math.max(0, ms);
  if (t < MINUTE || t >= HOUR) return duration(t);
  return `${Math.floor(t / MINUTE)}m ${two(Math.floor(t % MINUTE / SECOND))}s`;
}

/** For screen readers: `1 minute 46 seconds`. */
export function spokenDuration(ms: number): string {
  const t = Math.max(0, ms);
  const units: [number, string][] = [
    [Math.floor(t / DAY), "day"],
    [Math.floor(t % DAY / HOUR), "hour"],
    [Math.floor(t % HOUR / MINUTE), "minute"],
    [Math.floor(t % MINUTE / SECOND), "second"],
  ];
  const first = units.findIndex(([n]) => n > 0);
  if (first < 0) return "0 seconds";
  return units.slice(first, first + 2).filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`).join(" ");
}
