import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { fromContent, MessageCard, type MessageStatus } from "@/features/messages";
import { useNames } from "@/features/people";
import { Moment, useLive, useMay, useWhere } from "@/features/session";
import { money } from "@/lib/money";
import { clockTime } from "@/lib/time";
import {
  Button,
  Card,
  CopyText,
  ErrorState,
  Fact,
  Facts,
  Link,
  LoadingState,
  notifications,
  PageBody,
  PageHeader,
} from "@/ui";
import { Attempts } from "./Attempts";
import { type DeliveryDetail, useCancel, useDelivery, useResend, useTemplateShape } from "./api";
import { DecisionTrace } from "./DecisionTrace";
import { DeliveryStatus } from "./DeliveryStatus";
import c from "./deliveries.module.css";

const MOMENTS = [
  "requested_at",
  "planned_at",
  "accepted_at",
  "sent_at",
  "delivered_at",
  "read_at",
  "replied_at",
  "failed_at",
  "ended_at",
] as const;
const TICKS: Record<string, MessageStatus> = {
  queued: "queued",
  accepted: "accepted",
  held: "accepted",
  sent: "sent",
  delivered: "delivered",
  read: "read",
  played: "read",
  failed: "failed",
};

export function DeliveryPage() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const delivery = useDelivery(id);
  useLive(["deliveries"], [["deliveries", id]]);
  const names = useNames(delivery.data ? [delivery.data.profile_id] : []);
  const crumb = { label: t("nav.deliveries"), to: "/deliveries" };
  if (!delivery.data) {
    return (
      <>
        <PageHeader title={t("delivery.one")} crumb={crumb} />
        <PageBody>
          {delivery.error ? (
            <ErrorState error={delivery.error} onRetry={() => void delivery.refetch()} />
          ) : (
            <LoadingState />
          )}
        </PageBody>
      </>
    );
  }
  const row = delivery.data;
  const name = names.get(row.profile_id) ?? "…";
  return (
    <>
      <PageHeader
        title={t("delivery.to", { name })}
        crumb={crumb}
        status={<DeliveryStatus status={row.status} />}
        actions={<Actions row={row} />}
      />
      <PageBody>
        <div className={c.columns}>
          <div className={c.column}>
            <Card
              title={row.status === "excluded" ? t("delivery.whyNot") : t("delivery.why")}
              hint={t("delivery.whyHint")}
            >
              {row.decision ? (
                <DecisionTrace decision={row.decision} />
              ) : (
                <p className={c.hint}>{t("delivery.undecided")}</p>
              )}
            </Card>
            <Card title={t("delivery.attempts")}>
              <Attempts attempts={row.attempts} />
            </Card>
          </div>
          <div className={c.column}>
            <Preview row={row} />
            <Card title={t("ui.details")}>
              <DeliveryFacts row={row} name={name} />
            </Card>
          </div>
        </div>
      </PageBody>
    </>
  );
}

function Preview({ row }: { row: DeliveryDetail }) {
  const where = useWhere();
  const shape = useTemplateShape(row.template, row.language);
  const status = TICKS[row.status];
  return (
    <div className={c.preview}>
      <MessageCard
        body={fromContent(row.content, row.body, shape.data ?? [])}
        mine
        at={clockTime(row.sent_at ?? row.planned_at, where)}
        status={status}
      />
    </div>
  );
}

function DeliveryFacts({ row, name }: { row: DeliveryDetail; name: string }) {
  const { t } = useTranslation();
  const where = useWhere();
  return (
    <Facts>
      <Fact label={t("delivery.person")}>
        <Link to={`/profiles/${row.profile_id}`}>{name}</Link>
      </Fact>
      <Fact label={t("delivery.purpose")}>{t(`purpose.${row.purpose}`, { defaultValue: row.purpose })}</Fact>
      {row.template && <Fact label={t("delivery.templateLabel")}>{`${row.template} (${row.language ?? "?"})`}</Fact>}
      <Fact label={t("delivery.cause")}>{t(`delivery.owner.${row.owner_kind}`, { defaultValue: row.owner_kind })}</Fact>
      {row.cost && (
        <Fact label={t("delivery.cost")}>
          {row.cost.amount_micro === null
            ? t("ui.unknown")
            : money(row.cost.amount_micro, row.cost.currency ?? "EUR", where.locale)}{" "}
          · {row.cost.category} · {row.cost.type}
        </Fact>
      )}
      {MOMENTS.map((key) => {
        const at = row[key];
        return at ? (
          <Fact key={key} label={t(`delivery.moment.${key}`)}>
            <Moment at={at} exact />
          </Fact>
        ) : null;
      })}
      <Fact label={t("delivery.key")}>
        <CopyText value={row.key ?? "—"} />
      </Fact>
      <Fact label="ID">
        <CopyText value={row.id} />
      </Fact>
    </Facts>
  );
}

function Actions({ row }: { row: DeliveryDetail }) {
  const { t } = useTranslation();
  const may = useMay();
  const resend = useResend();
  const cancel = useCancel();
  if (!may("deliveries.write")) return null;
  const tell = (key: string) => () => notifications.show({ message: t(key) });
  return (
    <>
      {["queued", "deferred"].includes(row.status) && (
        <Button
          variant="default"
          loading={cancel.isPending}
          onClick={() => cancel.mutate(row.id, { onSuccess: tell("delivery.cancelled") })}
        >
          {t("delivery.cancel")}
        </Button>
      )}
      {row.status === "failed" && (
        <Button
          loading={resend.isPending}
          onClick={() => resend.mutate(row.id, { onSuccess: tell("delivery.resent") })}
        >
          {t("delivery.resend")}
        </Button>
      )}
    </>
  );
}
