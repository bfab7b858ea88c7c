/** Whether a moment of the local day is quiet, and how long it waits; a span may cross midnight, equal ends mean none. */
export type Span = { from: string; until: string };

const minutes = (time: string): number => {
  const [hours = "0", rest = "0"] = time.split(":");
  return Number(hours) * 60 + Number(rest);
};

export function isQuiet(time: string, { from, until }: Span): boolean {
  const [at, start, end] = [minutes(time), minutes(from), minutes(until)];
  if (start === end) return false;
  return start < end ? at >= start && at < end : at >= start || at < end;
}

/** Minutes until the span is over; 0 when it is not quiet. */
export function waitOf(time: string, span: Span): number {
  if (!isQuiet(time, span)) return 0;
  return (minutes(span.until) - minutes(time) + 1440) % 1440;
}

/** What the wall clock of a zone shows at a moment of another zone's day. */
export function timeIn(zone: string, at: Date): string {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: zone }).format(
    at,
  );
}
