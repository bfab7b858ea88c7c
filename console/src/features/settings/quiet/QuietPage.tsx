import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay, useWhere } from "@/features/session";
import { duration } from "@/lib/time";
import {
  Button,
  Card,
  ErrorState,
  FormErrors,
  Group,
  LoadingState,
  Note,
  NumberInput,
  notifications,
  PageBody,
  PageHeader,
  Select,
  Stack,
  Switch,
  TextInput,
} from "@/ui";
import { useChangeWorkspace, useWorkspace } from "./api";
import { DayBar } from "./DayBar";
import { isQuiet, waitOf } from "./quietHours";

export type Quiet = {
  quiet_hours_on: boolean;
  quiet_from: string;
  quiet_until: string;
  quiet_transactional: boolean;
  quiet_regulatory: boolean;
  marketing_cap: number;
  marketing_cap_days: number;
};
const DEFAULTS: Quiet = {
  quiet_hours_on: true,
  quiet_from: "21:00",
  quiet_until: "08:00",
  quiet_transactional: false,
  quiet_regulatory: false,
  marketing_cap: 0,
  marketing_cap_days: 7,
};
const KEYS = Object.keys(DEFAULTS) as (keyof Quiet)[];

export function QuietPage() {
  const { t } = useTranslation();
  const workspace = useWorkspace();
  const settings = (workspace.data?.settings ?? {}) as Partial<Quiet>;
  const stored = Object.fromEntries(KEYS.map((key) => [key, settings[key] ?? DEFAULTS[key]])) as Quiet;
  return (
    <>
      <PageHeader title={t("settings.quiet")} hint={t("quiet.lead")} />
      <PageBody narrow>
        {workspace.isPending && <LoadingState />}
        {workspace.error && <ErrorState error={workspace.error} onRetry={() => void workspace.refetch()} />}
        {workspace.data && <QuietForm key={JSON.stringify(stored)} stored={stored} />}
      </PageBody>
    </>
  );
}

function QuietForm({ stored }: { stored: Quiet }) {
  const { t } = useTranslation();
  const may = useMay();
  const save = useChangeWorkspace();
  const [values, setValues] = useState(stored);
  const write = may("workspace.write");
  const set = (change: Partial<Quiet>) => setValues({ ...values, ...change });
  const changed = JSON.stringify(values) !== JSON.stringify(stored);
  return (
    <>
      <Card title={t("quiet.hours")} hint={t("quiet.hoursHint")}>
        <Stack gap="md">
          <FormErrors error={save.error} />
          <Switch
            label={t("quiet.on")}
            checked={values.quiet_hours_on}
            disabled={!write}
            onChange={(event) => set({ quiet_hours_on: event.currentTarget.checked })}
          />
          <Group align="end">
            <TextInput
              type="time"
              label={t("quiet.from")}
              value={values.quiet_from}
              disabled={!write || !values.quiet_hours_on}
              onChange={(event) => set({ quiet_from: event.currentTarget.value })}
            />
            <TextInput
              type="time"
              label={t("quiet.until")}
              value={values.quiet_until}
              disabled={!write || !values.quiet_hours_on}
              onChange={(event) => set({ quiet_until: event.currentTarget.value })}
            />
          </Group>
          {values.quiet_hours_on && <DayBar from={values.quiet_from} until={values.quiet_until} />}
          <Switch
            label={t("quiet.transactional")}
            checked={values.quiet_transactional}
            disabled={!write}
            onChange={(event) => set({ quiet_transactional: event.currentTarget.checked })}
          />
          <Switch
            label={t("quiet.regulatory")}
            checked={values.quiet_regulatory}
            disabled={!write}
            onChange={(event) => set({ quiet_regulatory: event.currentTarget.checked })}
          />
        </Stack>
      </Card>
      <Card title={t("quiet.cap")} hint={t("quiet.capHint")}>
        <Group align="end">
          <NumberInput
            label={t("quiet.capCount")}
            min={0}
            max={1000}
            w={150}
            value={values.marketing_cap}
            disabled={!write}
            onChange={(value) => set({ marketing_cap: Number(value) || 0 })}
          />
          <NumberInput
            label={t("quiet.capDays")}
            min={1}
            max={365}
            w={150}
            value={values.marketing_cap_days}
            disabled={!write}
            onChange={(value) => set({ marketing_cap_days: Number(value) || 1 })}
          />
        </Group>
      </Card>
      {write && (
        <div>
          <Button
            disabled={!changed}
            loading={save.isPending}
            onClick={() => save.mutate(values, { onSuccess: () => notifications.show({ message: t("ui.saved") }) })}
          >
            {t("ui.save")}
          </Button>
        </div>
      )}
      <Tester values={values} />
    </>
  );
}

const PURPOSES = ["marketing", "transactional", "service", "feedback", "regulatory", "authentication"] as const;

function Tester({ values }: { values: Quiet }) {
  const { t } = useTranslation();
  const where = useWhere();
  const [purpose, setPurpose] = useState<string>("marketing");
  const [time, setTime] = useState("22:30");
  const span = { from: values.quiet_from, until: values.quiet_until };
  const applies =
    values.quiet_hours_on &&
    (purpose === "marketing" ||
      purpose === "feedback" ||
      (purpose === "transactional" && values.quiet_transactional) ||
      (purpose === "regulatory" && values.quiet_regulatory));
  const quiet = applies && isQuiet(time, span);
  return (
    <Card title={t("quiet.tester")} hint={t("quiet.testerHint")}>
      <Stack gap="sm">
        <Group align="end">
          <Select
            label={t("delivery.purpose")}
            value={purpose}
            onChange={(value) => value && setPurpose(value)}
            data={PURPOSES.map((value) => ({ value, label: t(`purpose.${value}`) }))}
          />
          <TextInput
            type="time"
            label={t("quiet.localTime")}
            value={time}
            onChange={(event) => setTime(event.currentTarget.value)}
          />
        </Group>
        <div aria-live="polite">
          {quiet ? (
            <Note kind="info" title={t("quiet.waits", { until: span.until })}>
              {t("quiet.waitsText", { wait: duration(waitOf(time, span) * 60, where.locale) })}
            </Note>
          ) : (
            <Note kind="good" title={t("quiet.leaves")}>
              {t(applies ? "quiet.leavesText" : "quiet.notApply")}
            </Note>
          )}
        </div>
        <p>{t("quiet.countries")}</p>
      </Stack>
    </Card>
  );
}
