import { useTranslation } from "react-i18next";
import { Moment } from "@/features/session";
import { titleCase } from "@/lib/ids";
import { useParam } from "@/lib/useParam";
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  ErrorState,
  Group,
  LoadingState,
  Note,
  PageBody,
  PageHeader,
  TextInput,
} from "@/ui";
import { useAudit, useChain } from "./api";

const FILTERS = ["actor", "action", "object", "from", "until"] as const;
const moment = (day: string, end = false): string =>
  /^\d{4}-\d{2}-\d{2}$/.test(day) ? new Date(`${day}T${end ? "23:59:59" : "00:00:00"}`).toISOString() : "";

/** Who did what, when, on which object. Ids and settings only, never data of a person. */
export function AuditPage() {
  const { t } = useTranslation();
  const [actor, setActor] = useParam("actor");
  const [action, setAction] = useParam("action");
  const [object, setObject] = useParam("object");
  const [from, setFrom] = useParam("from");
  const [until, setUntil] = useParam("until");
  const values = { actor, action, object, from, until };
  const setters = { actor: setActor, action: setAction, object: setObject, from: setFrom, until: setUntil };
  const list = useAudit({ actor, action, object, from: moment(from), until: moment(until, true) });
  const chain = useChain();
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const intact = chain.data?.is_intact ?? chain.data?.intact;
  return (
    <>
      <PageHeader
        title={t("settings.audit")}
        hint={t("audit.lead")}
        actions={
          <Button variant="default" loading={chain.isFetching} onClick={() => void chain.refetch()}>
            {t("audit.verify")}
          </Button>
        }
      />
      <PageBody>
        {chain.data && (
          <Note
            kind={intact === false ? "danger" : "good"}
            title={t(intact === false ? "audit.broken" : "audit.intact")}
          />
        )}
        {chain.error && <ErrorState error={chain.error} />}
        <Group gap="xs" align="end">
          {FILTERS.map((name) => (
            <TextInput
              key={name}
              w={165}
              label={t(`audit.${name}`)}
              type={name === "from" || name === "until" ? "date" : "text"}
              defaultValue={values[name]}
              onBlur={(event) => setters[name](event.currentTarget.value.trim())}
              onKeyDown={(event) => event.key === "Enter" && setters[name](event.currentTarget.value.trim())}
            />
          ))}
        </Group>
        <Card flush>
          {list.isPending && <LoadingState rows={8} />}
          {list.error && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
          {list.isSuccess && rows.length === 0 && <EmptyState title={t("audit.none")} />}
          {rows.length > 0 && (
            <DataTable
              label={t("settings.audit")}
              rows={rows}
              rowKey={(row) => row.id}
              more={{ has: list.hasNextPage, busy: list.isFetchingNextPage, load: () => void list.fetchNextPage() }}
              columns={[
                { key: "at", title: t("import.when"), cell: (row) => <Moment at={row.recorded_at} /> },
                {
                  key: "actor",
                  title: t("audit.actor"),
                  cell: (row) => (
                    <code className="mono">{row.actor.replace(/([0-9a-f]{8}-[0-9a-f-]{19})([0-9a-f]{8})/, "…$2")}</code>
                  ),
                },
                { key: "action", title: t("audit.action"), cell: (row) => titleCase(row.action) },
                {
                  key: "object",
                  title: t("audit.object"),
                  cell: (row) => `${titleCase(row.object_kind)} ${row.object_id.slice(-8)}`,
                },
                {
                  key: "change",
                  title: t("audit.change"),
                  wide: true,
                  hideSmall: true,
                  cell: (row) =>
                    Object.keys(row.changes).length ? <code className="mono">{JSON.stringify(row.changes)}</code> : "—",
                },
              ]}
            />
          )}
        </Card>
      </PageBody>
    </>
  );
}
