/** Moments as words, in the workspace's zone and the person's language. */

export type Where = { locale: string; zone: string };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function relative(at: string | Date, now: number, locale: string): string {
  const difference = new Date(at).getTime() - now;
  const size = Math.abs(difference);
  const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "narrow" });
  if (size < MINUTE) return words.format(0, "second");
  if (size < HOUR) return words.format(Math.round(difference / MINUTE), "minute");
  if (size < DAY) return words.format(Math.round(difference / HOUR), "hour");
  return words.format(Math.round(difference / DAY), "day");
}

export const isWithinDay = (at: string | Date, now: number): boolean => Math.abs(new Date(at).getTime() - now) < DAY;

export const clockTime = (at: string | Date, { locale, zone }: Where): string =>
  new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: zone }).format(
    new Date(at),
  );

export const dateTime = (at: string | Date, { locale, zone }: Where): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(new Date(at));

export const fullMoment = (at: string | Date, { locale, zone }: Where): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long", timeZone: zone }).format(new Date(at));

export const dayName = (at: string | Date, { locale, zone }: Where): string =>
  new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", timeZone: zone }).format(
    new Date(at),
  );

export const dayKey = (at: string | Date, zone: string): string =>
  new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit", timeZone: zone }).format(
    new Date(at),
  );

/** Seconds as the two largest units: "2 h 5 min". */
export function duration(seconds: number, locale: string): string {
  const unit = (value: number, name: "day" | "hour" | "minute" | "second") =>
    new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "short" }).format(value);
  if (seconds < 60) return unit(Math.round(seconds), "second");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return unit(minutes, "minute");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${unit(hours, "hour")} ${unit(minutes % 60, "minute")}` : unit(hours, "hour");
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${unit(days, "day")} ${unit(hours % 24, "hour")}` : unit(days, "day");
}
