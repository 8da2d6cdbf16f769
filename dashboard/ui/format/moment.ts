const two = (n: number) => String(n).padStart(2, "0");
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** The viewer's wall clock, 24 h: `14:31`. */
export function clockMinute(at: number): string {
  const d = new Date(at);
  return `${two(d.getHours())}:${two(d.getMinutes())}`;
}

/** The viewer's wall clock, 24 h: `14:31:56`. */
export function clockSecond(at: number): string {
  return `${clockMinute(at)}:${two(new Date(at).getSeconds())}`;
}

const sameDay = (a: number, b: number): boolean =>
  new Date(a).toDateString() === new Date(b).toDateString();

const dayAndMinute = (at: number): string => {
  const d = new Date(at);
  return `${d.getDate()} ${MONTHS[d.getMonth()]} ${clockMinute(at)}`;
};

/** When something happened: `14:31:56`, before today `3 Nov 14:31`. */
export const moment = (at: number, now: number): string =>
  sameDay(at, now) ? clockSecond(at) : dayAndMinute(at);

/** The same to the minute: `14:22`, before today `3 Nov 14:22`. */
export const momentMinute = (at: number, now: number): string =>
  sameDay(at, now) ? clockMinute(at) : dayAndMinute(at);

/** For `title` and `datetime`. */
export const iso = (at: number): string => new Date(at).toISOString();
