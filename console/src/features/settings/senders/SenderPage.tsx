import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Moment, useLive, useMay } from "@/features/session";
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  CopyText,
  DataTable,
  ErrorState,
  Fact,
  Facts,
  LoadingState,
  Note,
  PageBody,
  PageHeader,
  TextInput,
} from "@/ui";
import { type SenderOut, useHistory, useSender, useStopSender } from "./api";
import { QUALITY, TONE } from "./SendersPage";
import { Steps } from "./Steps";
import c from "./senders.module.css";

export function SenderPage() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const sender = useSender(id);
  useLive([`sender:${id}`], [["senders", id]]);
  const crumb = { label: t("settings.senders"), to: "/settings/senders" };
  if (!sender.data) {
    return (
      <>
        <PageHeader title={t("sender.one")} crumb={crumb} />
        <PageBody>
          {sender.error ? <ErrorState error={sender.error} onRetry={() => void sender.refetch()} /> : <LoadingState />}
        </PageBody>
      </>
    );
  }
  const one = sender.data;
  return (
    <>
      <PageHeader
        title={one.name}
        crumb={crumb}
        hint={<span className="ltr tnum">{one.phone_number}</span>}
        status={
          <Badge tone={TONE[one.state] ?? "muted"}>{t(`sender.state.${one.state}`, { defaultValue: one.state })}</Badge>
        }
        actions={<StopButton sender={one} />}
      />
      <PageBody>
        {one.simulated && (
          <Note kind="info" title={t("shell.simulated")}>
            {t("sender.simulatedText")}
          </Note>
        )}
        {(one.stopped_reason || one.state_reason) && (
          <Note kind="warn" title={t("sender.attention")}>
            {one.stopped_reason ?? one.state_reason}
          </Note>
        )}
        <div className={c.columns}>
          <Card title={t("sender.fourSteps")} hint={t("sender.fourStepsHint")}>
            <Steps sender={one} />
          </Card>
          <Card title={t("ui.details")}>
            <SenderFacts sender={one} />
          </Card>
        </div>
        <HistoryCard id={id} />
      </PageBody>
    </>
  );
}

function SenderFacts({ sender }: { sender: SenderOut }) {
  const { t } = useTranslation();
  return (
    <Facts>
      {sender.verified_name && <Fact label={t("sender.verifiedName")}>{sender.verified_name}</Fact>}
      <Fact label={t("sender.quality")}>
        {sender.quality ? (
          <Badge tone={QUALITY[sender.quality] ?? "muted"}>
            {t(`sender.qualities.${sender.quality.toLowerCase()}`, { defaultValue: sender.quality })}
          </Badge>
        ) : (
          t("ui.unknown")
        )}
      </Fact>
      <Fact label={t("sender.rate")}>{t("sender.perSecond", { count: sender.throughput_per_s })}</Fact>
      <Fact label={t("sender.limit")}>
        {sender.portfolio_limit === null
          ? t("sender.unlimited")
          : t("sender.perDay", { count: sender.portfolio_limit })}
      </Fact>
      <Fact label={t("profile.zone")}>{sender.timezone}</Fact>
      {sender.token_hint && (
        <Fact label={t("sender.field.access_token")}>
          <code className="mono">…{sender.token_hint}</code>
        </Fact>
      )}
      {sender.base_url && (
        <Fact label={t("sender.baseUrl")}>
          <code className="mono">{sender.base_url}</code>
        </Fact>
      )}
      {sender.phone_number_id && (
        <Fact label={t("sender.field.phone_number_id")}>
          <CopyText value={sender.phone_number_id} />
        </Fact>
      )}
      {sender.waba_id && (
        <Fact label={t("sender.field.waba_id")}>
          <CopyText value={sender.waba_id} />
        </Fact>
      )}
      <Fact label="ID">
        <CopyText value={sender.id} />
      </Fact>
    </Facts>
  );
}

function StopButton({ sender }: { sender: SenderOut }) {
  const { t } = useTranslation();
  const may = useMay();
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState("");
  const stop = useStopSender(sender.id);
  if (!may("senders.write") || sender.stopped_at) return null;
  return (
    <>
      <Button variant="default" onClick={() => setAsking(true)}>
        {t("sender.stop")}
      </Button>
      <ConfirmDialog
        opened={asking}
        onClose={() => setAsking(false)}
        title={t("sender.stopTitle", { name: sender.name })}
        confirm={t("sender.stop")}
        danger
        busy={stop.isPending}
        disabled={!reason.trim()}
        onConfirm={() => stop.mutate(reason, { onSuccess: () => setAsking(false) })}
      >
        <p>{t("sender.stopText")}</p>
        <TextInput
          label={t("erase.reason")}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {stop.error && <ErrorState error={stop.error} />}
      </ConfirmDialog>
    </>
  );
}

function HistoryCard({ id }: { id: string }) {
  const { t } = useTranslation();
  const history = useHistory(id);
  const rows = history.data ?? [];
  if (rows.length === 0) return null;
  return (
    <Card flush title={t("sender.history")}>
      <DataTable
        label={t("sender.history")}
        rows={rows}
        rowKey={(row) => row.id}
        columns={[
          { key: "at", title: t("import.when"), cell: (row) => <Moment at={row.at} /> },
          { key: "what", title: t("errors.what"), cell: (row) => row.what.replaceAll("_", " ") },
          {
            key: "change",
            title: t("audit.change"),
            wide: true,
            cell: (row) => `${row.old_value ?? "—"} → ${row.new_value ?? "—"}${row.reason ? ` (${row.reason})` : ""}`,
          },
        ]}
      />
    </Card>
  );
}
