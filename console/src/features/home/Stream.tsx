import { useTranslation } from "react-i18next";
import { DeliveryStatus } from "@/features/deliveries";
import { Moment } from "@/features/session";
import { Badge, EmptyState, IconArrowDownLeft, IconArrowUpRight, Link, PersonAvatar } from "@/ui";
import type { Recent } from "./api";
import c from "./home.module.css";

/** Messages both ways as they happen; each opens its decision or its person. */
export function Stream({ rows }: { rows: Recent[] }) {
  const { t } = useTranslation();
  if (rows.length === 0) {
    return (
      <EmptyState title={t("home.quiet")} action={<Link to="/?phone=on">{t("checklist.phone")}</Link>}>
        {t("home.quietText")}
      </EmptyState>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long list scrolls by keyboard
    <section className={`${c.streamScroll} scroll`} tabIndex={0} aria-label={t("home.stream")}>
      <ul className={c.stream}>
        {rows.map((row) => {
          const inbound = row.direction.startsWith("in");
          const name = row.profile_name || t("home.someone");
          const to = row.delivery_id ? `/deliveries/${row.delivery_id}` : `/profiles/${row.profile_id}`;
          return (
            <li key={row.id}>
              <Link to={to} className={c.streamRow}>
                <PersonAvatar name={name} size={34} />
                <span className={c.streamText}>
                  <span className={c.streamHead}>
                    <b>{name}</b>
                    <Moment at={row.at} />
                  </span>
                  <span className={c.streamWords}>
                    {inbound ? (
                      <IconArrowDownLeft size={15} role="img" aria-label={t("home.in")} />
                    ) : (
                      <IconArrowUpRight size={15} role="img" aria-label={t("home.out")} />
                    )}
                    <span>{row.text_preview || t(`message.${row.kind}`, { defaultValue: row.kind })}</span>
                  </span>
                </span>
                {inbound ? (
                  <Badge tone="info">{t("delivery.status.received")}</Badge>
                ) : (
                  <DeliveryStatus status={row.status ?? "queued"} />
                )}
              </Link>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
