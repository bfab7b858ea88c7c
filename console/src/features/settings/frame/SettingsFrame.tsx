import { Outlet, useLocation } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/session";
import { Link } from "@/ui";
import c from "./frame.module.css";

const PAGES = [
  { key: "senders", to: "/settings/senders", right: "senders.read" },
  { key: "webhooks", to: "/settings/webhooks", right: "webhooks.read" },
  { key: "keywords", to: "/settings/keywords", right: "consents.read" },
  { key: "consent", to: "/settings/consent", right: "consents.read" },
  { key: "quiet", to: "/settings/quiet-hours", right: "workspace.read" },
  { key: "members", to: "/settings/members", right: "members.read" },
  { key: "keys", to: "/settings/keys", right: "keys.read" },
  { key: "audit", to: "/settings/audit", right: "audit.read" },
  { key: "data", to: "/settings/data", right: "retention.read" },
] as const;

/** One list of pages, each with a sentence of what it does. */
export function SettingsFrame() {
  const { t } = useTranslation();
  const may = useMay();
  const { pathname } = useLocation();
  return (
    <div className={c.frame}>
      <nav className={`${c.list} scroll`} aria-label={t("nav.settings")}>
        {PAGES.filter((page) => may(page.right)).map((page) => (
          <Link
            key={page.key}
            to={page.to}
            className={c.item}
            aria-current={pathname.startsWith(page.to) ? "page" : undefined}
          >
            {t(`settings.${page.key}`)}
          </Link>
        ))}
      </nav>
      <div className={c.page}>
        <Outlet />
      </div>
    </div>
  );
}
