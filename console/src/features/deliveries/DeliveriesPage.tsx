import { useTranslation } from "react-i18next";
import { useNames } from "@/features/people";
import { Moment, useLive } from "@/features/session";
import { useParam } from "@/lib/useParam";
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  ErrorState,
  Group,
  LoadingState,
  PageBody,
  PageHeader,
  PersonAvatar,
  Select,
  TextInput,
} from "@/ui";
import { type DeliveryRow, useDeliveries } from "./api";
import { DeliveryStatus, STATUSES } from "./DeliveryStatus";
import c from "./deliveries.module.css";
import { Subject } from "./Subject";

const REASONS = [
  "no_consent",
  "opted_out",
  "opted_out_after_queue",
  "consent_pending",
  "consent_expired",
  "suppressed",
  "no_address",
  "unreachable",
  "window_closed",
  "quiet_hours",
  "cap",
  "template_state",
  "platform_stop",
  "allow_list",
  "brake",
] as const;

export function DeliveriesPage() {
  const { t } = useTranslation();
  const [status, setStatus] = useParam("status");
  const [reason, setReason] = useParam("reason");
  const [template, setTemplate] = useParam("template");
  const list = useDeliveries({ status, reason, template });
  useLive(["deliveries"], [["deliveries", "list"]]);
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const names = useNames(rows.map((row) => row.profile_id));
  const filtered = Boolean(status || reason || template);
  const clear = () => {
    setStatus(null);
    setReason(null);
    setTemplate(null);
  };
  return (
    <>
      <PageHeader title={t("nav.deliveries")} hint={t("delivery.lead")} />
      <PageBody>
        <Group gap="xs" align="end">
          <Select
            label={t("delivery.statusLabel")}
            placeholder={t("ui.all")}
            clearable
            w={170}
            value={status || null}
            onChange={setStatus}
            data={STATUSES.map((value) => ({ value, label: t(`delivery.status.${value}`) }))}
          />
          <Select
            label={t("delivery.reasonLabel")}
            placeholder={t("ui.all")}
            clearable
            searchable
            w={250}
            value={reason || null}
            onChange={setReason}
            data={REASONS.map((value) => ({ value, label: t(`reason.${value}`) }))}
          />
          <TextInput
            label={t("delivery.templateLabel")}
            type="search"
            w={190}
            defaultValue={template}
            onKeyDown={(event) => event.key === "Enter" && setTemplate(event.currentTarget.value)}
            onBlur={(event) => event.currentTarget.value !== template && setTemplate(event.currentTarget.value)}
          />
          {filtered && (
            <Button variant="subtle" color="gray" onClick={clear}>
              {t("delivery.clear")}
            </Button>
          )}
        </Group>
        <Card flush>
          {list.isPending && <LoadingState rows={8} />}
          {list.error && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
          {list.isSuccess && rows.length === 0 && (
            <EmptyState
              title={filtered ? t("delivery.noneMatch") : t("delivery.none")}
              action={
                filtered ? (
                  <Button variant="default" onClick={clear}>
                    {t("delivery.clear")}
                  </Button>
                ) : undefined
              }
            >
              {!filtered && t("delivery.noneText")}
            </EmptyState>
          )}
          {rows.length > 0 && (
            <DeliveryTable
              rows={rows}
              names={names}
              more={{ has: list.hasNextPage, busy: list.isFetchingNextPage, load: () => void list.fetchNextPage() }}
            />
          )}
        </Card>
      </PageBody>
    </>
  );
}

type TableProps = {
  rows: DeliveryRow[];
  names: Map<string, string>;
  more: { has: boolean; busy: boolean; load: () => void };
};

function DeliveryTable({ rows, names, more }: TableProps) {
  const { t } = useTranslation();
  return (
    <DataTable
      label={t("nav.deliveries")}
      rows={rows}
      rowKey={(row) => row.id}
      rowLink={(row) => `/deliveries/${row.id}`}
      more={more}
      columns={[
        {
          key: "who",
          title: t("delivery.person"),
          cell: (row) => {
            const name = names.get(row.profile_id) ?? "…";
            return (
              <span className={c.who}>
                <PersonAvatar name={name} size={28} />
                <span>{name}</span>
              </span>
            );
          },
        },
        {
          key: "what",
          title: t("delivery.message"),
          wide: true,
          hideSmall: true,
          cell: (row) => <Subject row={row} />,
        },
        {
          key: "status",
          title: t("delivery.statusLabel"),
          cell: (row) => (
            <span className={c.state}>
              <DeliveryStatus status={row.status} />
              {row.reason && <small>{t(`reason.${row.reason}`, { defaultValue: row.reason })}</small>}
            </span>
          ),
        },
        { key: "at", title: t("delivery.requested"), align: "end", cell: (row) => <Moment at={row.requested_at} /> },
      ]}
    />
  );
}
