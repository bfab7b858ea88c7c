import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/session";
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  CopyText,
  DataTable,
  EmptyState,
  ErrorState,
  FormErrors,
  Group,
  LoadingState,
  NumberInput,
  PageBody,
  PageHeader,
  Stack,
  Switch,
} from "@/ui";
import { type FormOut, useChangeSettings, useCloseForm, useForms, useWorkspace } from "./api";
import { FormDialog } from "./FormDialog";
import { LinksCard } from "./LinksCard";

const PURPOSES = [
  "marketing",
  "transactional",
  "service",
  "feedback",
  "regulatory",
  "authentication",
  "consent_request",
] as const;

export function ConsentPage() {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader title={t("settings.consent")} hint={t("consents.lead")} />
      <PageBody>
        <Forms />
        <LinksCard />
        <DoubleOptIn />
        <Card flush title={t("consents.purposes")} hint={t("consents.purposesHint")}>
          <DataTable
            label={t("consents.purposes")}
            rows={[...PURPOSES]}
            rowKey={(row) => row}
            columns={[
              { key: "purpose", title: t("delivery.purpose"), cell: (row) => <b>{t(`purpose.${row}`)}</b> },
              { key: "needs", title: t("consents.needs"), wide: true, cell: (row) => t(`consents.need.${row}`) },
            ]}
          />
        </Card>
      </PageBody>
    </>
  );
}

function Forms() {
  const { t } = useTranslation();
  const may = useMay();
  const forms = useForms();
  const close = useCloseForm();
  const [dialog, setDialog] = useState<FormOut | "new" | null>(null);
  const [closing, setClosing] = useState<FormOut | null>(null);
  const write = may("consents.write");
  const rows = forms.data ?? [];
  const add = write && <Button onClick={() => setDialog("new")}>{t("form.add")}</Button>;
  return (
    <Card flush title={t("form.title")} hint={t("form.hint")} action={rows.length > 0 && add}>
      {forms.isPending && <LoadingState rows={3} />}
      {forms.error && <ErrorState error={forms.error} onRetry={() => void forms.refetch()} />}
      {forms.isSuccess && rows.length === 0 && (
        <EmptyState title={t("form.none")} action={add}>
          {t("form.noneText")}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label={t("form.title")}
          rows={rows}
          rowKey={(row) => row.id}
          columns={[
            { key: "slug", title: t("profile.name"), cell: (row) => <b>{row.slug}</b> },
            {
              key: "path",
              title: t("form.address"),
              wide: true,
              cell: (row) => <CopyText value={`${location.origin}${row.path}`} />,
            },
            {
              key: "languages",
              title: t("form.languages"),
              hideSmall: true,
              cell: (row) => row.wordings.map((one) => one.language).join(", "),
            },
            {
              key: "state",
              title: t("delivery.statusLabel"),
              cell: (row) => (
                <Badge tone={row.is_open ? "good" : "muted"}>
                  {t(row.is_open ? "form.open" : "form.closed", { version: row.version })}
                </Badge>
              ),
            },
            {
              key: "do",
              title: t("webhook.again"),
              align: "end",
              cell: (row) =>
                write ? (
                  <Group gap={6} justify="flex-end" wrap="nowrap">
                    <Button size="compact-xs" variant="default" onClick={() => setDialog(row)}>
                      {t("form.newVersion")}
                    </Button>
                    {row.is_open && (
                      <Button size="compact-xs" variant="default" onClick={() => setClosing(row)}>
                        {t("form.close")}
                      </Button>
                    )}
                  </Group>
                ) : null,
            },
          ]}
        />
      )}
      {dialog && <FormDialog form={dialog === "new" ? null : dialog} onClose={() => setDialog(null)} />}
      <ConfirmDialog
        opened={closing !== null}
        onClose={() => setClosing(null)}
        title={t("form.closeTitle", { name: closing?.slug })}
        confirm={t("form.close")}
        danger
        busy={close.isPending}
        onConfirm={() => closing && close.mutate(closing.slug, { onSuccess: () => setClosing(null) })}
      >
        {t("form.closeText")}
      </ConfirmDialog>
    </Card>
  );
}

function DoubleOptIn() {
  const { t } = useTranslation();
  const may = useMay();
  const workspace = useWorkspace();
  const change = useChangeSettings();
  const settings = (workspace.data?.settings ?? {}) as {
    double_opt_in?: boolean;
    double_opt_in_days?: number;
    double_opt_in_reminder?: boolean;
    accept_general_opt_in?: boolean;
  };
  const locked = !may("workspace.write") || !workspace.data;
  return (
    <Card title={t("consents.rules")} hint={t("consents.rulesHint")}>
      <Stack gap="md">
        <FormErrors error={change.error} />
        <Switch
          label={t("consents.double")}
          description={t("consents.doubleHint")}
          checked={settings.double_opt_in ?? false}
          disabled={locked}
          onChange={(event) => change.mutate({ double_opt_in: event.currentTarget.checked })}
        />
        {settings.double_opt_in && (
          <Group align="end">
            <NumberInput
              label={t("consents.days")}
              min={1}
              max={90}
              w={180}
              defaultValue={settings.double_opt_in_days ?? 7}
              disabled={locked}
              onBlur={(event) => change.mutate({ double_opt_in_days: Number(event.currentTarget.value) || 7 })}
            />
            <Switch
              label={t("consents.reminder")}
              checked={settings.double_opt_in_reminder ?? false}
              disabled={locked}
              onChange={(event) => change.mutate({ double_opt_in_reminder: event.currentTarget.checked })}
            />
          </Group>
        )}
        <Switch
          label={t("consents.general")}
          description={t("consents.generalHint")}
          checked={settings.accept_general_opt_in ?? false}
          disabled={locked}
          onChange={(event) => change.mutate({ accept_general_opt_in: event.currentTarget.checked })}
        />
      </Stack>
    </Card>
  );
}
