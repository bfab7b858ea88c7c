import { useTranslation } from "react-i18next";
import { useLive, useLiveState, useSession } from "@/features/session";
import { Badge, Card, ErrorState, Link, LoadingState, Note, PageBody, PageHeader } from "@/ui";
import { OVERVIEW, type Overview, useOverview } from "./api";
import { Checklist } from "./Checklist";
import c from "./home.module.css";
import { Stream } from "./Stream";
import { Today } from "./Today";

export function HomePage() {
  const { t } = useTranslation();
  const me = useSession();
  const overview = useOverview();
  const state = useLiveState();
  useLive(["messages", "deliveries", "alerts"], [OVERVIEW]);
  const name = me.member?.name?.split(" ")[0];
  return (
    <>
      <PageHeader title={t("nav.home")} hint={name ? t("home.hello", { name }) : t("home.lead")} />
      <PageBody>
        {overview.isPending && <LoadingState rows={8} />}
        {overview.error && <ErrorState error={overview.error} onRetry={() => void overview.refetch()} />}
        {overview.data && (
          <>
            <Today today={overview.data.today} before={overview.data.yesterday_same_hour} />
            <div className={c.columns}>
              <Card
                flush
                title={t("home.stream")}
                hint={t("home.streamHint")}
                action={<Badge tone={state === "open" ? "good" : "muted"}>{t(`home.live.${state}`)}</Badge>}
              >
                <Stream rows={overview.data.recent_messages} />
              </Card>
              <div className={c.column}>
                <NeedsYou items={overview.data.needs_you} />
                <Checklist items={overview.data.checklist} />
                <Senders senders={overview.data.senders} />
              </div>
            </div>
          </>
        )}
      </PageBody>
    </>
  );
}

/** Where a concern is dealt with; what has no screen of its own says it in words only. */
const placeOf = (item: Overview["needs_you"][number]): string | null => {
  if (item.kind === "workspace") return "/settings/senders";
  if (item.kind === "sender" || item.kind === "delivery") return item.link;
  return null;
};

function NeedsYou({ items }: { items: Overview["needs_you"] }) {
  const { t } = useTranslation();
  if (items.length === 0) return null;
  return (
    <Card title={t("home.needsYou")}>
      <div className={c.needs}>
        {items.map((item) => (
          <Note
            key={`${item.kind}-${item.text_code}-${JSON.stringify(item.data)}`}
            kind="warn"
            title={t(`needs.${item.text_code}`, { ...item.data, defaultValue: item.text_code.replaceAll("_", " ") })}
            action={<Opener to={placeOf(item)} />}
          />
        ))}
      </div>
    </Card>
  );
}

function Senders({ senders }: { senders: Overview["senders"] }) {
  const { t } = useTranslation();
  if (senders.length === 0) return null;
  return (
    <Card title={t("settings.senders")}>
      <ul className={c.senders}>
        {senders.map((sender) => (
          <li key={sender.id}>
            <div>
              <Link to={`/settings/senders/${sender.id}`}>{sender.name}</Link>
              <small className="ltr tnum">{sender.phone_number}</small>
            </div>
            <Badge tone={sender.state === "active" || sender.state === "connected" ? "good" : "warn"}>
              {t(`sender.state.${sender.state}`, { defaultValue: sender.state })}
            </Badge>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Opener({ to }: { to: string | null }) {
  const { t } = useTranslation();
  return to ? <Link to={to}>{t("home.show")}</Link> : null;
}
