import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Moment, useWhere } from "@/features/session";
import { bytes } from "@/lib/money";
import {
  Badge,
  Button,
  Card,
  DataTable,
  ErrorState,
  FileButton,
  FormErrors,
  Group,
  IconFileUpload,
  Note,
  PageBody,
  PageHeader,
  Select,
} from "@/ui";
import { type ImportOut, useImport, useImports } from "./api";
import { errorsAsCsv, FIXED, guess, type Peek, peek } from "./csv";
import c from "./imports.module.css";

const SIZE_MAX = 50 * 1024 * 1024;

/** Choose a file, say what its columns are, check, import. Nothing typed is lost when the server refuses it. */
export function ImportPage() {
  const { t } = useTranslation();
  const where = useWhere();
  const [file, setFile] = useState<File | null>(null);
  const [wrong, setWrong] = useState("");
  const [seen, setSeen] = useState<Peek | null>(null);
  const [mapping, setMapping] = useState<Record<string, string>>({});
  const run = useImport();
  const take = async (chosen: File | null) => {
    if (!chosen) return;
    run.reset();
    setSeen(null);
    setFile(null);
    if (chosen.size > SIZE_MAX) return setWrong(t("import.tooLarge", { size: bytes(chosen.size, where.locale) }));
    if (!/\.(csv|tsv|txt)$/i.test(chosen.name)) return setWrong(t("import.wrongType", { name: chosen.name }));
    const found = peek(await chosen.slice(0, 300_000).text());
    if (found.header.length === 0) return setWrong(t("import.noHeader"));
    setWrong("");
    setFile(chosen);
    setSeen(found);
    setMapping(Object.fromEntries(found.header.map((column) => [column, guess(column)])));
  };
  const start = (dryRun: boolean) => file && run.mutate({ file, mapping, dryRun });
  const report = run.data;
  return (
    <>
      <PageHeader
        title={t("import.title")}
        crumb={{ label: t("nav.profiles"), to: "/profiles" }}
        hint={t("import.lead")}
      />
      <PageBody>
        <Card title={t("import.step1")} hint={t("import.step1Hint")}>
          <Group>
            <FileButton onChange={(chosen) => void take(chosen)} accept=".csv,.tsv,.txt,text/csv">
              {(props) => (
                <Button {...props} variant={file ? "default" : "filled"} leftSection={<IconFileUpload size={16} />}>
                  {file ? t("import.other") : t("import.choose")}
                </Button>
              )}
            </FileButton>
            {file && <span>{`${file.name} · ${bytes(file.size, where.locale)}`}</span>}
          </Group>
          {wrong && (
            <div className={c.gap} role="alert">
              <Note kind="danger" title={wrong}>
                {t("import.wrongHelp")}
              </Note>
            </div>
          )}
        </Card>
        {seen && file && (
          <Card title={t("import.step2")} hint={t("import.step2Hint")}>
            <Columns seen={seen} mapping={mapping} onChange={setMapping} />
            <FormErrors error={run.error} />
            <Group mt="md">
              <Button variant="default" loading={run.isPending} onClick={() => start(true)}>
                {t("import.check")}
              </Button>
              <Button loading={run.isPending} disabled={!report} onClick={() => start(false)}>
                {t("import.run")}
              </Button>
            </Group>
          </Card>
        )}
        {report && <Report report={report} />}
        <Earlier />
      </PageBody>
    </>
  );
}

function Columns({
  seen,
  mapping,
  onChange,
}: {
  seen: Peek;
  mapping: Record<string, string>;
  onChange: (mapping: Record<string, string>) => void;
}) {
  const { t } = useTranslation();
  const options = (column: string) => [
    { value: "", label: t("import.leaveOut") },
    ...FIXED.map((value) => ({ value, label: t(`import.column.${value}`) })),
    {
      value: guess(column).startsWith("attribute:")
        ? guess(column)
        : `attribute:${column.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")}`,
      label: t("import.attribute", { name: column }),
    },
  ];
  return (
    <DataTable
      label={t("import.step2")}
      rows={seen.header}
      rowKey={(column) => column}
      columns={[
        { key: "column", title: t("import.theirs"), cell: (column) => <b>{column}</b> },
        {
          key: "ours",
          title: t("import.ours"),
          cell: (column) => (
            <Select
              aria-label={t("import.oursFor", { column })}
              w={230}
              value={mapping[column] ?? ""}
              data={options(column)}
              onChange={(value) => onChange({ ...mapping, [column]: value ?? "" })}
            />
          ),
        },
        {
          key: "examples",
          title: t("import.examples"),
          wide: true,
          hideSmall: true,
          cell: (column) => (
            <span className={c.examples}>
              {seen.rows
                .slice(0, 4)
                .map((row) => row[seen.header.indexOf(column)])
                .filter(Boolean)
                .join(" · ")}
            </span>
          ),
        },
      ]}
    />
  );
}

function Report({ report }: { report: ImportOut }) {
  const { t } = useTranslation();
  const download = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([errorsAsCsv(report.errors)], { type: "text/csv" }));
    link.download = "import-errors.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <Card
      title={report.is_dry_run ? t("import.checked") : t("import.done")}
      hint={t(report.is_dry_run ? "import.checkedHint" : "import.doneHint", {
        rows: report.rows,
        imported: report.imported,
        people: report.profiles_new,
        consents: report.consents_new,
      })}
      action={
        report.errors.length > 0 ? (
          <Button variant="default" onClick={download}>
            {t("import.download")}
          </Button>
        ) : undefined
      }
    >
      {report.rejected === 0 ? (
        <Note kind="good" title={t("import.allGood")} />
      ) : (
        <>
          <Note kind="warn" title={t("import.rejected", { count: report.rejected })}>
            {t("import.rejectedHint")}
          </Note>
          <DataTable
            label={t("import.errors")}
            rows={report.errors.slice(0, 200)}
            rowKey={(error) => `${error.line}-${error.field}-${error.code}`}
            columns={[
              { key: "line", title: t("import.line"), cell: (error) => <span className="tnum">{error.line}</span> },
              { key: "field", title: t("import.field"), cell: (error) => <code className="mono">{error.field}</code> },
              {
                key: "words",
                title: t("import.mistake"),
                wide: true,
                cell: (error) =>
                  t(`import.code.${error.code}`, { defaultValue: error.message || error.code.replaceAll("_", " ") }),
              },
            ]}
          />
        </>
      )}
    </Card>
  );
}

function Earlier() {
  const { t } = useTranslation();
  const imports = useImports();
  if (imports.error) return <ErrorState error={imports.error} onRetry={() => void imports.refetch()} />;
  const rows = imports.data ?? [];
  if (rows.length === 0) return null;
  return (
    <Card flush title={t("import.earlier")}>
      <DataTable
        label={t("import.earlier")}
        rows={rows}
        rowKey={(row) => row.id}
        columns={[
          { key: "at", title: t("import.when"), cell: (row) => <Moment at={row.created_at} /> },
          {
            key: "kind",
            title: t("import.kind"),
            cell: (row) => (
              <Badge tone={row.is_dry_run ? "muted" : "good"}>
                {t(row.is_dry_run ? "import.onlyChecked" : "import.imported")}
              </Badge>
            ),
          },
          { key: "rows", title: t("import.rows"), align: "end", cell: (row) => row.rows },
          { key: "in", title: t("import.in"), align: "end", cell: (row) => row.imported },
          { key: "out", title: t("import.out"), align: "end", cell: (row) => row.rejected },
        ]}
      />
    </Card>
  );
}
