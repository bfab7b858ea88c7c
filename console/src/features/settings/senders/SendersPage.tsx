import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/session";
import {
  Badge,
  Button,
  Card,
  DataTable,
  EmptyState,
  ErrorState,
  FormErrors,
  Link,
  LoadingState,
  Note,
  PageBody,
  PageHeader,
  Stack,
  Switch,
  TagsInput,
  type Tone,
} from "@/ui";
import { useAllowList, useBrake, useSenders, useSetAllowList, useSetBrake } from "./api";
import c from "./senders.module.css";

export const TONE: Record<string, Tone> = {
  active: "good",
  ready: "good",
  connected: "good",
  stopped: "danger",
  error: "danger",
  failed: "danger",
  new: "muted",
  checking: "info",
};
export const QUALITY: Record<string, Tone> = {
  GREEN: "good",
  YELLOW: "warn",
  RED: "danger",
  green: "good",
  yellow: "warn",
  red: "danger",
};

export function SendersPage() {
  const { t } = useTranslation();
  const may = useMay();
  const senders = useSenders();
  const rows = senders.data ?? [];
  const add = may("senders.write") && (
    <Link to="/settings/senders/new" className={c.primary}>
      {t("sender.add")}
    </Link>
  );
  return (
    <>
      <PageHeader title={t("settings.senders")} hint={t("sender.lead")} actions={add} />
      <PageBody>
        <Switches />
        <Card flush>
          {senders.isPending && <LoadingState />}
          {senders.error && <ErrorState error={senders.error} onRetry={() => void senders.refetch()} />}
          {senders.isSuccess && rows.length === 0 && (
            <EmptyState title={t("sender.none")} action={add}>
              {t("sender.noneText")}
            </EmptyState>
          )}
          {rows.length > 0 && (
            <DataTable
              label={t("settings.senders")}
              rows={rows}
              rowKey={(row) => row.id}
              rowLink={(row) => `/settings/senders/${row.id}`}
              columns={[
                { key: "name", title: t("profile.name"), cell: (row) => <b className={c.name}>{row.name}</b> },
                {
                  key: "number",
                  title: t("sender.number"),
                  cell: (row) => <span className="ltr tnum">{row.phone_number ?? "—"}</span>,
                },
                {
                  key: "kind",
                  title: t("sender.kind"),
                  cell: (row) => (
                    <Badge tone={row.simulated ? "brand" : "good"}>
                      {t(row.simulated ? "sender.simulated" : "sender.real")}
                    </Badge>
                  ),
                },
                {
                  key: "state",
                  title: t("delivery.statusLabel"),
                  cell: (row) => (
                    <Badge tone={TONE[row.state] ?? "muted"}>
                      {t(`sender.state.${row.state}`, { defaultValue: row.state })}
                    </Badge>
                  ),
                },
                {
                  key: "quality",
                  title: t("sender.quality"),
                  hideSmall: true,
                  cell: (row) =>
                    row.quality ? (
                      <Badge tone={QUALITY[row.quality] ?? "muted"}>
                        {t(`sender.qualities.${row.quality.toLowerCase()}`, { defaultValue: row.quality })}
                      </Badge>
                    ) : (
                      "—"
                    ),
                },
              ]}
            />
          )}
        </Card>
      </PageBody>
    </>
  );
}

/** The two dangerous switches stand first: they stop everything, at once. */
function Switches() {
  const { t } = useTranslation();
  const may = useMay();
  const brake = useBrake();
  const setBrake = useSetBrake();
  const allow = useAllowList();
  const setAllow = useSetAllowList();
  const [addresses, setAddresses] = useState<string[] | null>(null);
  const shown = addresses ?? allow.data?.addresses ?? [];
  return (
    <Card title={t("sender.switches")} hint={t("sender.switchesHint")}>
      <Stack gap="md">
        <Switch
          label={t("sender.brake")}
          description={t("sender.brakeHint")}
          checked={brake.data?.on ?? false}
          disabled={!may("workspace.write") || !brake.data}
          onChange={(event) => setBrake.mutate(event.currentTarget.checked)}
          color="coral"
        />
        {allow.data && (
          <>
            <Switch
              label={t("sender.allowList")}
              description={t("sender.allowListHint")}
              checked={allow.data.on}
              disabled={!may("allow_list.write")}
              onChange={(event) => setAllow.mutate({ on: event.currentTarget.checked, addresses: shown })}
            />
            {allow.data.on && (
              <div className={c.row}>
                <TagsInput
                  className={c.grow ?? ""}
                  label={t("sender.allowed")}
                  value={shown}
                  onChange={setAddresses}
                  placeholder="+31…"
                  disabled={!may("allow_list.write")}
                />
                <Button
                  variant="default"
                  disabled={addresses === null}
                  loading={setAllow.isPending}
                  onClick={() =>
                    setAllow.mutate({ on: true, addresses: shown }, { onSuccess: () => setAddresses(null) })
                  }
                >
                  {t("ui.save")}
                </Button>
              </div>
            )}
          </>
        )}
        <FormErrors error={setBrake.error ?? setAllow.error} />
        {brake.data?.on && <Note kind="danger" title={t("shell.brake")} />}
      </Stack>
    </Card>
  );
}
