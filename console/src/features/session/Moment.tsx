import { dateTime, fullMoment, isWithinDay, relative } from "@/lib/time";
import { useWhere } from "./session";
import { useNow } from "./useNow";

/** A moment: relative within a day, else the date; the person's own zone on hover. */
export function Moment({ at, exact }: { at: string; exact?: boolean }) {
  const where = useWhere();
  const now = useNow();
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const words = !exact && isWithinDay(at, now) ? relative(at, now, where.locale) : dateTime(at, where);
  return (
    <time
      dateTime={at}
      title={`${fullMoment(at, where)}\n${fullMoment(at, { ...where, zone: mine })}`}
      className="tnum"
    >
      {words}
    </time>
  );
}
