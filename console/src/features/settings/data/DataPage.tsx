import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Counts } from "@/features/profiles";
import { Moment, useMay } from "@/features/session";
import { titleCase } from "@/lib/ids";
import {
  Badge,
  Button,
  Card,
  DataTable,
  EmptyState,
  ErrorState,
  FormErrors,
  Group,
  LoadingState,
  Modal,
  Note,
  NumberInput,
  PageBody,
  PageHeader,
} from "@/ui";
import { type Erasure, useChangeRetention, useErasures, usePreviewRetention, useRetention } from "./api";
import { EraseByAddress } from "./EraseByAddress";

export function DataPage() {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader title={t("settings.data")} hint={t("data.lead")} />
      <PageBody>
        <EraseByAddress />
        <Erasures />
        <RetentionCard />
      </PageBody>
    </>
  );
}

function Erasures() {
  const { t } = useTranslation();
  const erasures = useErasures();
  const [shown, setShown] = useState<Erasure | null>(null);
  const rows = erasures.data ?? [];
  return (
    <Card flush title={t("data.erasures")} hint={t("data.erasuresHint")}>
      {erasures.isPending && <LoadingState rows={3} />}
      {erasures.error && <ErrorState error={erasures.error} onRetry={() => void erasures.refetch()} />}
      {erasures.isSuccess && rows.length === 0 && <EmptyState title={t("data.noErasures")} />}
      {rows.length > 0 && (
        <DataTable
          label={t("data.erasures")}
          rows={rows}
          rowKey={(row) => row.id}
          columns={[
            {
              key: "at",
              title: t("import.when"),
              cell: (row) => <Moment at={row.erased_at} />,
            },
            {
              key: "state",
              title: t("delivery.statusLabel"),
              cell: (row) => (
                <Badge tone={row.state === "done" ? "good" : "info"}>
                  {t(`data.state.${row.state}`, { defaultValue: row.state })}
                </Badge>
              ),
            },
            {
              key: "reason",
              title: t("erase.reason"),
              wide: true,
              cell: (row) => t(`ground.${row.reason}`, { defaultValue: row.reason ?? "—" }),
            },
            {
              key: "report",
              title: t("data.report"),
              align: "end",
              cell: (row) => (
                <Button size="compact-xs" variant="default" onClick={() => setShown(row)}>
                  {t("data.report")}
                </Button>
              ),
            },
          ]}
        />
      )}
      <Modal
        opened={shown !== null}
        onClose={() => setShown(null)}
        title={<b>{t("erase.doneTitle")}</b>}
        size="lg"
        closeButtonProps={{ "aria-label": t("ui.close") }}
      >
        {shown && <Counts report={shown} />}
      </Modal>
    </Card>
  );
}

function RetentionCard() {
  const { t } = useTranslation();
  const may = useMay();
  const retention = useRetention();
  const preview = usePreviewRetention();
  const change = useChangeRetention();
  const [days, setDays] = useState<Record<string, number>>({});
  const write = may("retention.write");
  const last = retention.data?.last_run_at;
  const counts = preview.data?.counts ?? {};
  return (
    <Card
      flush
      title={t("data.retention")}
      hint={t("data.retentionHint")}
      action={
        <Group gap="xs">
          <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate()}>
            {t("data.preview")}
          </Button>
          {write && (
            <Button
              disabled={Object.keys(days).length === 0}
              loading={change.isPending}
              onClick={() => change.mutate(days, { onSuccess: () => setDays({}) })}
            >
              {t("ui.save")}
            </Button>
          )}
        </Group>
      }
    >
      {retention.isPending && <LoadingState rows={6} />}
      {retention.error && <ErrorState error={retention.error} onRetry={() => void retention.refetch()} />}
      <FormErrors error={change.error ?? preview.error} />
      {last && (
        <Note kind="info" title={t("data.lastRun")}>
          <Moment at={last} />
        </Note>
      )}
      {retention.data && (
        <DataTable
          label={t("data.retention")}
          rows={retention.data.classes}
          rowKey={(row) => row.name}
          columns={[
            {
              key: "class",
              title: t("data.class"),
              cell: (row) => <b>{t(`store.${row.name}`, { defaultValue: titleCase(row.name) })}</b>,
            },
            {
              key: "holds",
              title: t("data.holds"),
              wide: true,
              hideSmall: true,
              cell: (row) => row.holds,
            },
            {
              key: "days",
              title: t("data.days"),
              cell: (row) =>
                row.days === null ? (
                  t("data.asLong")
                ) : write && row.shortest_days !== null ? (
                  <NumberInput
                    aria-label={t("data.daysOf", { name: row.name })}
                    w={110}
                    min={row.shortest_days}
                    max={row.longest_days ?? undefined}
                    value={days[row.name] ?? row.days}
                    onChange={(value) => typeof value === "number" && setDays({ ...days, [row.name]: value })}
                  />
                ) : (
                  t("data.count", { count: row.days })
                ),
            },
            {
              key: "due",
              title: t("data.due"),
              align: "end",
              cell: (row) => (preview.data ? (counts[row.name] ?? 0) : "—"),
            },
          ]}
        />
      )}
    </Card>
  );
}
