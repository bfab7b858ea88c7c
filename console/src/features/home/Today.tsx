import { useTranslation } from "react-i18next";
import { useSession, useWhere } from "@/features/session";
import { count, money, share } from "@/lib/money";
import { Stat } from "@/ui";
import type { Day } from "./api";
import c from "./home.module.css";

const LINKS = {
  sent: "/deliveries",
  delivered: "/deliveries?status=delivered",
  read: "/deliveries?status=read",
  replied: "/deliveries",
  opted_out: "/deliveries?reason=opted_out",
} as const;
const KEYS = Object.keys(LINKS) as (keyof typeof LINKS)[];

/** Each number of today beside yesterday to the same hour. */
export function Today({ today, before }: { today: Day; before: Day }) {
  const { t } = useTranslation();
  const where = useWhere();
  const { workspace } = useSession();
  const change = (now: number, then: number) => {
    if (then === 0) return undefined;
    const part = (now - then) / then;
    const words = `${part >= 0 ? "+" : "−"}${share(Math.abs(now - then), then, where.locale)}`;
    return { words: t("home.sinceYesterday", { change: words }), tone: "muted" as const };
  };
  const currency = today.currency ?? workspace.currency ?? "EUR";
  return (
    <section aria-label={t("home.today")}>
      <div className={c.stats}>
        {KEYS.map((key) => (
          <Stat
            key={key}
            label={t(`home.stat.${key}`)}
            value={count(today[key], where.locale)}
            change={change(today[key], before[key])}
            to={LINKS[key]}
          />
        ))}
        <Stat
          label={t("home.stat.cost")}
          value={money(today.cost_micros ?? 0, currency, where.locale)}
          change={change(today.cost_micros ?? 0, before.cost_micros ?? 0)}
        />
      </div>
    </section>
  );
}
