import { useTranslation } from "react-i18next";
import c from "./quiet.module.css";
import { isQuiet } from "./quietHours";

const HOURS = Array.from(
  { length: 48 },
  (_, half) => `${String(Math.floor(half / 2)).padStart(2, "0")}:${half % 2 ? "30" : "00"}`,
);

/** The day as a bar of half hours: quiet ones are dark. */
export function DayBar({ from, until }: { from: string; until: string }) {
  const { t } = useTranslation();
  return (
    <div>
      <div className={c.bar} role="img" aria-label={t("quiet.bar", { from, until })}>
        {HOURS.map((time) => (
          <i key={time} data-quiet={isQuiet(time, { from, until }) || undefined} />
        ))}
      </div>
      <div className={c.scale} aria-hidden="true">
        {["0", "6", "12", "18", "24"].map((hour) => (
          <span key={hour}>{hour}</span>
        ))}
      </div>
    </div>
  );
}
