import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Moment, useMay, useSession } from "@/features/session";
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
  LoadingState,
  Modal,
  Note,
  PageBody,
  PageHeader,
  Select,
  Stack,
  TagsInput,
  TextInput,
} from "@/ui";
import { type ApiKeyOut, useApiKeys, useCreateKey, useRevokeKey } from "./api";

const BUNDLES = ["full", "read", "ingest", "send"] as const;

export function KeysPage() {
  const { t } = useTranslation();
  const may = useMay();
  const keys = useApiKeys();
  const revoke = useRevokeKey();
  const [adding, setAdding] = useState(false);
  const [asked, setAsked] = useState<ApiKeyOut | null>(null);
  const rows = keys.data ?? [];
  const add = may("keys.write") && <Button onClick={() => setAdding(true)}>{t("apiKey.add")}</Button>;
  return (
    <>
      <PageHeader title={t("settings.keys")} hint={t("apiKey.lead")} actions={add} />
      <PageBody>
        <Card flush>
          {keys.isPending && <LoadingState />}
          {keys.error && <ErrorState error={keys.error} onRetry={() => void keys.refetch()} />}
          {keys.isSuccess && rows.length === 0 && <EmptyState title={t("apiKey.none")} action={add} />}
          {rows.length > 0 && (
            <DataTable
              label={t("settings.keys")}
              rows={rows}
              rowKey={(row) => row.id}
              columns={[
                { key: "name", title: t("profile.name"), cell: (row) => <b>{row.name}</b> },
                {
                  key: "prefix",
                  title: t("apiKey.begins"),
                  cell: (row) => <code className="mono">{row.prefix}…</code>,
                },
                { key: "scopes", title: t("apiKey.scopes"), hideSmall: true, cell: (row) => row.scopes.join(", ") },
                {
                  key: "used",
                  title: t("apiKey.used"),
                  hideSmall: true,
                  cell: (row) => (row.last_used_at ? <Moment at={row.last_used_at} /> : t("ui.never")),
                },
                {
                  key: "state",
                  title: t("delivery.statusLabel"),
                  cell: (row) => (
                    <Badge tone={row.revoked_at ? "muted" : "good"}>
                      {t(row.revoked_at ? "apiKey.revoked" : "apiKey.works")}
                    </Badge>
                  ),
                },
                {
                  key: "revoke",
                  title: t("webhook.again"),
                  align: "end",
                  cell: (row) =>
                    row.revoked_at || !may("keys.write") ? null : (
                      <Button
                        size="compact-xs"
                        variant="default"
                        onClick={() => setAsked(row)}
                        aria-label={t("apiKey.revokeOne", { name: row.name })}
                      >
                        {t("apiKey.revoke")}
                      </Button>
                    ),
                },
              ]}
            />
          )}
        </Card>
      </PageBody>
      {adding && <NewKeyDialog onClose={() => setAdding(false)} />}
      <ConfirmDialog
        opened={asked !== null}
        onClose={() => setAsked(null)}
        title={t("apiKey.revokeTitle", { name: asked?.name })}
        confirm={t("apiKey.revoke")}
        danger
        busy={revoke.isPending}
        onConfirm={() => asked && revoke.mutate(asked.id, { onSuccess: () => setAsked(null) })}
      >
        {t("apiKey.revokeText")}
        {revoke.error && <ErrorState error={revoke.error} />}
      </ConfirmDialog>
    </>
  );
}

function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { rights } = useSession();
  const create = useCreateKey();
  const [name, setName] = useState("");
  const [kind, setKind] = useState("secret");
  const [scopes, setScopes] = useState<string[]>(["read"]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name, kind, scopes: kind === "write" ? ["ingest"] : scopes });
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={<b>{t("apiKey.add")}</b>}
      size="lg"
      closeButtonProps={{ "aria-label": t("ui.close") }}
    >
      {create.data ? (
        <Stack>
          <Note kind="warn" title={t("apiKey.once")}>
            {t("apiKey.onceText")}
          </Note>
          <CopyText block value={create.data.secret} />
          <b>{t("apiKey.first")}</b>
          <CopyText
            block
            value={`curl ${location.origin}/v1/workspace -H "Authorization: Bearer ${create.data.secret}"`}
          />
          <Button onClick={onClose}>{t("ui.done")}</Button>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack gap="md">
            <FormErrors error={create.error} />
            <TextInput
              label={t("profile.name")}
              description={t("apiKey.nameHint")}
              required
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              data-autofocus
            />
            <Select
              label={t("import.kind")}
              value={kind}
              onChange={(value) => value && setKind(value)}
              data={["secret", "write"].map((value) => ({ value, label: t(`apiKey.kind.${value}`) }))}
            />
            {kind === "secret" && (
              <TagsInput
                label={t("apiKey.scopes")}
                description={t("apiKey.scopesHint")}
                value={scopes}
                onChange={setScopes}
                data={[...BUNDLES, ...rights.filter((right) => right !== "*")]}
              />
            )}
            <Button type="submit" loading={create.isPending} disabled={!name.trim()}>
              {t("apiKey.add")}
            </Button>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
