import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Moment, useMay, useWhere } from "@/features/session";
import { bytes } from "@/lib/money";
import {
  Badge,
  Button,
  Card,
  CopyText,
  DataTable,
  EmptyState,
  ErrorState,
  LoadingState,
  PageBody,
  PageHeader,
  type Tone,
} from "@/ui";
import { useBodies, useEndpoints, useReplayBodies, useSenderHooks } from "./api";
import { NewEndpointDialog } from "./NewEndpointDialog";
import c from "./webhooks.module.css";

export const STATE: Record<string, Tone> = {
  active: "good",
  ok: "good",
  delivered: "good",
  parsed: "good",
  partial: "warn",
  failing: "warn",
  pending: "info",
  retrying: "warn",
  received: "info",
  malformed: "danger",
  unroutable: "danger",
  dead: "danger",
  disabled: "muted",
};

export function WebhooksPage() {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader title={t("settings.webhooks")} hint={t("webhook.lead")} />
      <PageBody>
        <Outgoing />
        <Inbound />
      </PageBody>
    </>
  );
}

function Outgoing() {
  const { t } = useTranslation();
  const may = useMay();
  const [adding, setAdding] = useState(false);
  const endpoints = useEndpoints();
  const rows = endpoints.data ?? [];
  const add = may("webhooks.write") && <Button onClick={() => setAdding(true)}>{t("webhook.add")}</Button>;
  return (
    <Card flush title={t("webhook.outgoing")} hint={t("webhook.outgoingHint")} action={rows.length > 0 && add}>
      {endpoints.isPending && <LoadingState rows={3} />}
      {endpoints.error && <ErrorState error={endpoints.error} onRetry={() => void endpoints.refetch()} />}
      {endpoints.isSuccess && rows.length === 0 && (
        <EmptyState title={t("webhook.none")} action={add}>
          {t("webhook.noneText")}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label={t("webhook.outgoing")}
          rows={rows}
          rowKey={(row) => row.id}
          rowLink={(row) => `/settings/webhooks/${row.id}`}
          columns={[
            { key: "url", title: "URL", wide: true, cell: (row) => <b className={c.url}>{row.url}</b> },
            {
              key: "events",
              title: t("webhook.events"),
              hideSmall: true,
              cell: (row) => (row.events.length ? row.events.join(", ") : t("ui.all")),
            },
            {
              key: "state",
              title: t("delivery.statusLabel"),
              cell: (row) => (
                <Badge tone={STATE[row.state] ?? "muted"}>
                  {t(`webhook.state.${row.state}`, { defaultValue: row.state })}
                </Badge>
              ),
            },
          ]}
        />
      )}
      {adding && <NewEndpointDialog onClose={() => setAdding(false)} />}
    </Card>
  );
}

function Inbound() {
  const { t } = useTranslation();
  const where = useWhere();
  const may = useMay();
  const hooks = useSenderHooks();
  const bodies = useBodies();
  const replay = useReplayBodies();
  const rows = bodies.data ?? [];
  return (
    <>
      <Card title={t("webhook.inbound")} hint={t("webhook.inboundHint")}>
        {hooks.data?.map((sender) => (
          <div key={sender.id} className={c.hook}>
            <b>{sender.name}</b>
            {sender.webhook && (
              <>
                <CopyText value={sender.webhook.url} />
                <span>
                  {t("sender.verifyToken")} <CopyText value={sender.webhook.verify_token} />
                </span>
              </>
            )}
          </div>
        ))}
      </Card>
      <Card flush title={t("webhook.bodies")} hint={t("webhook.bodiesHint")}>
        {bodies.isPending && <LoadingState rows={4} />}
        {bodies.error && <ErrorState error={bodies.error} onRetry={() => void bodies.refetch()} />}
        {bodies.isSuccess && rows.length === 0 && <EmptyState title={t("webhook.noBodies")} />}
        {rows.length > 0 && (
          <DataTable
            label={t("webhook.bodies")}
            rows={rows}
            rowKey={(row) => row.digest}
            columns={[
              { key: "at", title: t("webhook.received"), cell: (row) => <Moment at={row.received_at} /> },
              {
                key: "state",
                title: t("delivery.statusLabel"),
                cell: (row) => (
                  <Badge tone={STATE[row.state] ?? "muted"}>
                    {t(`webhook.state.${row.state}`, { defaultValue: row.state })}
                  </Badge>
                ),
              },
              { key: "updates", title: t("webhook.updates"), align: "end", cell: (row) => row.updates ?? "—" },
              {
                key: "size",
                title: t("webhook.size"),
                align: "end",
                hideSmall: true,
                cell: (row) => bytes(row.size_bytes, where.locale),
              },
              {
                key: "again",
                title: t("webhook.again"),
                align: "end",
                cell: (row) =>
                  may("webhooks.write") ? (
                    <Button
                      size="compact-xs"
                      variant="default"
                      loading={replay.isPending && replay.variables?.[0] === row.digest}
                      onClick={() => replay.mutate([row.digest])}
                    >
                      {t("webhook.replay")}
                    </Button>
                  ) : null,
              },
            ]}
          />
        )}
      </Card>
    </>
  );
}
