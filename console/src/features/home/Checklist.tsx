import { useTranslation } from "react-i18next";
import { Card, IconCircleCheck, IconCircleDashed, Link, Progress } from "@/ui";
import type { Overview } from "./api";
import c from "./home.module.css";

const WHERE: Record<string, string> = {
  connect_sender: "/settings/senders",
  bring_people: "/profiles/import",
  collect_consent: "/settings/consent",
  invite_member: "/settings/members",
};

/** The first steps, each done in place; folds away when all are done. */
export function Checklist({ items }: { items: Overview["checklist"] }) {
  const { t } = useTranslation();
  const done = items.filter((item) => item.done).length;
  if (items.length === 0 || done === items.length) return null;
  return (
    <Card title={t("home.setUp")} hint={t("home.setUpHint", { done, all: items.length })}>
      <Progress value={(done / items.length) * 100} size={5} radius="xl" aria-label={t("home.setUp")} mb={10} />
      <ul className={c.checklist}>
        {items.map((item) => {
          const Icon = item.done ? IconCircleCheck : IconCircleDashed;
          const label = t(`checklist.${item.id}`, { defaultValue: item.id.replaceAll("_", " ") });
          return (
            <li key={item.id} data-done={item.done || undefined}>
              <Icon size={19} role="img" aria-label={t(item.done ? "home.isDone" : "home.isOpen")} />
              {item.done || !WHERE[item.id] ? <span>{label}</span> : <Link to={WHERE[item.id] ?? "/"}>{label}</Link>}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
