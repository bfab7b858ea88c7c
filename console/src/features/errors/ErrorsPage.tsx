import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParam } from "@/lib/useParam";
import {
  Badge,
  Card,
  DataTable,
  EmptyState,
  ErrorState,
  IconSearch,
  LoadingState,
  PageBody,
  PageHeader,
  TextInput,
  type Tone,
} from "@/ui";
import { type CatalogueOut, useCatalogue } from "./api";
import c from "./errors.module.css";

const TONE: Record<string, Tone> = { retry: "info", wait: "info", stop: "danger", never: "danger", fix: "warn" };

/** The channel's error codes in our words: what happened, what Sojourn does, what a person should do. */
export function ErrorsPage() {
  const { t } = useTranslation();
  const [code] = useParam("code");
  const [query, setQuery] = useState(code);
  const catalogue = useCatalogue();
  const wanted = query.trim().toLowerCase();
  const rows = (catalogue.data ?? []).filter(
    (row) =>
      !wanted ||
      String(row.code).includes(wanted) ||
      `${row.title} ${row.cause} ${row.advice}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <PageHeader title={t("nav.errors")} hint={t("errors.lead")} />
      <PageBody>
        <TextInput
          type="search"
          aria-label={t("errors.search")}
          placeholder={t("errors.search")}
          leftSection={<IconSearch size={16} />}
          maw={380}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
        <Card flush>
          {catalogue.isPending && <LoadingState rows={8} />}
          {catalogue.error && <ErrorState error={catalogue.error} onRetry={() => void catalogue.refetch()} />}
          {catalogue.isSuccess && rows.length === 0 && <EmptyState title={t("errors.none")} />}
          {rows.length > 0 && <Codes rows={rows} />}
        </Card>
      </PageBody>
    </>
  );
}

function Codes({ rows }: { rows: CatalogueOut[] }) {
  const { t } = useTranslation();
  return (
    <DataTable
      label={t("nav.errors")}
      rows={rows}
      rowKey={(row) => `${row.code}-${row.where}`}
      columns={[
        { key: "code", title: t("errors.code"), cell: (row) => <code className="mono">{row.code}</code> },
        {
          key: "what",
          title: t("errors.what"),
          wide: true,
          cell: (row) => (
            <div className={c.what}>
              <b>{row.title}</b>
              <span>{row.cause}</span>
            </div>
          ),
        },
        { key: "advice", title: t("errors.advice"), wide: true, cell: (row) => row.advice },
        {
          key: "we",
          title: t("errors.we"),
          hideSmall: true,
          cell: (row) => (
            <div className={c.what}>
              <Badge tone={TONE[row.retry] ?? "muted"}>
                {t(`errors.retry.${row.retry}`, { defaultValue: row.retry })}
              </Badge>
              <span>{t(`errors.reaction.${row.reaction}`, { defaultValue: row.reaction.replaceAll("_", " ") })}</span>
            </div>
          ),
        },
      ]}
    />
  );
}
