import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Moment, useMay } from "@/features/session";
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  CopyText,
  DataTable,
  EmptyState,
  ErrorState,
  LoadingState,
  Modal,
  Note,
  PageBody,
  PageHeader,
  Stack,
} from "@/ui";
import { useAttempts, useDeleteEndpoint, useEndpoints, useReplay, useRotate, useTest } from "./api";
import { STATE } from "./WebhooksPage";

export function EndpointPage() {
  const { t } = useTranslation();
  const may = useMay();
  const navigate = useNavigate();
  const { id } = useParams({ strict: false }) as { id: string };
  const endpoints = useEndpoints();
  const endpoint = endpoints.data?.find((one) => one.id === id);
  const test = useTest(id);
  const rotate = useRotate(id);
  const drop = useDeleteEndpoint(id);
  const [dropping, setDropping] = useState(false);
  const crumb = { label: t("settings.webhooks"), to: "/settings/webhooks" };
  if (!endpoint) {
    return (
      <>
        <PageHeader title={t("webhook.one")} crumb={crumb} />
        <PageBody>
          {endpoints.error ? (
            <ErrorState error={endpoints.error} />
          ) : endpoints.isSuccess ? (
            <EmptyState title={t("problem.not_found.title")} />
          ) : (
            <LoadingState />
          )}
        </PageBody>
      </>
    );
  }
  const actions = may("webhooks.write") && (
    <>
      <Button variant="default" loading={test.isPending} onClick={() => test.mutate(undefined)}>
        {t("webhook.test")}
      </Button>
      <Button variant="default" loading={rotate.isPending} onClick={() => rotate.mutate(undefined)}>
        {t("webhook.rotate")}
      </Button>
      <Button variant="default" color="coral" onClick={() => setDropping(true)}>
        {t("ui.remove")}
      </Button>
    </>
  );
  return (
    <>
      <PageHeader
        title={endpoint.url}
        crumb={crumb}
        hint={endpoint.description}
        status={
          <Badge tone={STATE[endpoint.state] ?? "muted"}>
            {t(`webhook.state.${endpoint.state}`, { defaultValue: endpoint.state })}
          </Badge>
        }
        actions={actions}
      />
      <PageBody>
        {endpoint.state === "failing" && (
          <Note kind="warn" title={t("webhook.failing")}>
            {t("webhook.failingText")}
          </Note>
        )}
        {(test.error ?? rotate.error ?? drop.error) && <ErrorState error={test.error ?? rotate.error ?? drop.error} />}
        <Attempts id={id} />
      </PageBody>
      <ConfirmDialog
        opened={dropping}
        onClose={() => setDropping(false)}
        title={t("webhook.removeTitle")}
        confirm={t("ui.remove")}
        danger
        busy={drop.isPending}
        onConfirm={() => drop.mutate(undefined, { onSuccess: () => void navigate({ to: "/settings/webhooks" }) })}
      >
        {t("webhook.removeText", { url: endpoint.url })}
      </ConfirmDialog>
      <Modal
        opened={rotate.data !== undefined}
        onClose={() => rotate.reset()}
        title={<b>{t("webhook.newSecret")}</b>}
        closeButtonProps={{ "aria-label": t("ui.close") }}
      >
        {rotate.data && (
          <Stack>
            <Note kind="warn" title={t("webhook.secretOnce")}>
              {t("webhook.rotateText")}
            </Note>
            <CopyText block value={rotate.data.secret} />
          </Stack>
        )}
      </Modal>
    </>
  );
}

function Attempts({ id }: { id: string }) {
  const { t } = useTranslation();
  const may = useMay();
  const attempts = useAttempts(id);
  const replay = useReplay(id);
  const rows = attempts.data ?? [];
  return (
    <Card flush title={t("delivery.attempts")} hint={t("webhook.attemptsHint")}>
      {attempts.isPending && <LoadingState />}
      {attempts.error && <ErrorState error={attempts.error} onRetry={() => void attempts.refetch()} />}
      {attempts.isSuccess && rows.length === 0 && <EmptyState title={t("webhook.noAttempts")} />}
      {rows.length > 0 && (
        <DataTable
          label={t("delivery.attempts")}
          rows={rows}
          rowKey={(row) => row.id}
          columns={[
            { key: "event", title: t("webhook.events"), cell: (row) => <code className="mono">{row.event}</code> },
            {
              key: "state",
              title: t("delivery.statusLabel"),
              cell: (row) => (
                <Badge tone={STATE[row.state] ?? "muted"}>
                  {t(`webhook.state.${row.state}`, { defaultValue: row.state })}
                </Badge>
              ),
            },
            { key: "answer", title: t("webhook.answer"), cell: (row) => row.status_code ?? row.error ?? "—" },
            {
              key: "at",
              title: t("import.when"),
              cell: (row) => <Moment at={row.attempted_at} />,
            },
            {
              key: "again",
              title: t("webhook.again"),
              align: "end",
              cell: (row) =>
                may("webhooks.write") ? (
                  <Button size="compact-xs" variant="default" onClick={() => replay.mutate([row.id])}>
                    {t("webhook.replay")}
                  </Button>
                ) : null,
            },
          ]}
        />
      )}
    </Card>
  );
}
