import type { CalendarEntry } from "./definition.ts";

const MINUTE_MS = 60_000;
/** Far enough for 29 February of any weekday. */
const HORIZON_DAYS = 366 * 40;

/**
 * The next whole minute after `now` that a StartCalendarInterval entry names, in local time. Man launchd.plist: like
 * crontab(5), with 0 and 7 for Sunday; unlike it, Day and Weekday are taken together here.
 * @throws {RangeError} when no day matches, as 30 February.
 */
export function nextCalendarTime(entry: CalendarEntry, now: number): number {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  for (let count = 0; count <= HORIZON_DAYS; count += 1, day.setDate(day.getDate() + 1)) {
    if (!matchesDay(entry, day)) continue;
    const found = firstMinute(entry, day, now);
    if (found !== undefined) return found;
  }
  throw new RangeError("no day of the calendar matches");
}

function matchesDay({ day, weekday, month }: CalendarEntry, date: Date): boolean {
  if (month !== undefined && month !== date.getMonth() + 1) return false;
  if (day !== undefined && day !== date.getDate()) return false;
  return weekday === undefined || weekday % 7 === date.getDay();
}

function firstMinute({ hour, minute }: CalendarEntry, day: Date, now: number): number | undefined {
  const next = Math.floor(now / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  for (let time = Math.max(day.getTime(), next); ; time += MINUTE_MS) {
    const at = new Date(time);
    if (at.getDate() !== day.getDate()) return undefined;
    if ((hour === undefined || hour === at.getHours()) && (minute === undefined || minute === at.getMinutes()))
      return time;
  }
}
