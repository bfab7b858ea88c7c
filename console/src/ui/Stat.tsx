import type { ReactNode } from "react";
import { Link } from "./Link";
import c from "./ui.module.css";

type Props = {
  label: string;
  value: ReactNode;
  change?: { words: string; tone: "good" | "warn" | "muted" } | undefined;
  to?: string;
};

/** A number that opens. */
export function Stat({ label, value, change, to }: Props) {
  const inside = (
    <>
      <span className={c.statLabel}>{label}</span>
      <span className={c.statValue}>
        <b className="tnum">{value}</b>
        {change && (
          <span className={c.change} data-tone={change.tone}>
            {change.words}
          </span>
        )}
      </span>
    </>
  );
  return to ? (
    <Link to={to} className={c.stat}>
      {inside}
    </Link>
  ) : (
    <div className={c.stat}>{inside}</div>
  );
}
