import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/session";
import {
  Button,
  Card,
  DataTable,
  ErrorState,
  FormErrors,
  LoadingState,
  Note,
  notifications,
  PageBody,
  PageHeader,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  TextInput,
} from "@/ui";
import { type OwnWords, useKeywords, useSaveWords, useTestWord } from "./api";
import c from "./keywords.module.css";

const KINDS = ["stop", "start", "help"] as const;
const LANGUAGES = ["en", "nl", "de", "fr", "es", "pt", "it", "ar", "hi", "tr", "pl", "id"] as const;

export function KeywordsPage() {
  const { t } = useTranslation();
  const keywords = useKeywords();
  return (
    <>
      <PageHeader title={t("settings.keywords")} hint={t("keyword.lead")} />
      <PageBody>
        <Tester />
        {keywords.isPending && <LoadingState />}
        {keywords.error && <ErrorState error={keywords.error} onRetry={() => void keywords.refetch()} />}
        {keywords.data && (
          <>
            <Own key={JSON.stringify(keywords.data.own)} own={keywords.data.own} />
            <BuiltIn lists={keywords.data.built_in} />
          </>
        )}
      </PageBody>
    </>
  );
}

function Tester() {
  const { t } = useTranslation();
  const test = useTestWord();
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [language, setLanguage] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) test.mutate({ text, question_open: open, language });
  };
  const kind = test.data ? (test.data.kind ?? "nothing") : null;
  return (
    <Card title={t("keyword.tester")} hint={t("keyword.testerHint")}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <div className={c.line}>
            <TextInput
              className={c.grow ?? ""}
              label={t("keyword.message")}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
            />
            <Select
              label={t("shell.language")}
              placeholder={t("keyword.anyLanguage")}
              clearable
              w={150}
              value={language}
              onChange={setLanguage}
              data={[...LANGUAGES]}
            />
            <Button type="submit" loading={test.isPending} disabled={!text.trim()}>
              {t("keyword.try")}
            </Button>
          </div>
          <Switch
            label={t("keyword.questionOpen")}
            checked={open}
            onChange={(event) => setOpen(event.currentTarget.checked)}
          />
          <FormErrors error={test.error} />
          <div aria-live="polite">
            {kind && (
              <Note
                kind={kind.startsWith("stop") ? "warn" : kind === "nothing" ? "info" : "good"}
                title={t(`keyword.kind.${kind}`, { defaultValue: kind })}
              >
                {t(`keyword.effect.${kind}`, { defaultValue: "" })}{" "}
                {test.data?.language && t("keyword.recognised", { language: test.data.language })}
              </Note>
            )}
          </div>
        </Stack>
      </form>
    </Card>
  );
}

function Own({ own }: { own: OwnWords }) {
  const { t } = useTranslation();
  const may = useMay();
  const save = useSaveWords();
  const [words, setWords] = useState<OwnWords>(own);
  const write = may("consents.write") || may("workspace.write");
  return (
    <Card title={t("keyword.own")} hint={t("keyword.ownHint")}>
      <Stack gap="sm">
        <FormErrors error={save.error} />
        <SimpleGrid cols={{ base: 1, md: 3 }}>
          {KINDS.map((kind) => (
            <TagsInput
              key={kind}
              label={t(`keyword.kind.${kind}`)}
              value={words[kind] ?? []}
              disabled={!write}
              onChange={(value) => setWords({ ...words, [kind]: value })}
              placeholder={t("keyword.add")}
            />
          ))}
        </SimpleGrid>
        {write && (
          <div>
            <Button
              loading={save.isPending}
              onClick={() => save.mutate(words, { onSuccess: () => notifications.show({ message: t("ui.saved") }) })}
            >
              {t("ui.save")}
            </Button>
          </div>
        )}
      </Stack>
    </Card>
  );
}

const spoken = (value: unknown): string =>
  Array.isArray(value)
    ? value.join(", ")
    : typeof value === "object" && value !== null
      ? Object.values(value).map(spoken).filter(Boolean).join(", ")
      : "";

function BuiltIn({ lists }: { lists: Record<string, unknown>[] }) {
  const { t } = useTranslation();
  const rows = lists.map((list) => ({ list, language: String(list.language ?? ""), kind: String(list.kind ?? "") }));
  return (
    <Card flush title={t("keyword.builtIn")} hint={t("keyword.builtInHint")}>
      <DataTable
        label={t("keyword.builtIn")}
        rows={rows}
        rowKey={(row) => `${row.language}-${row.kind}-${JSON.stringify(row.list).length}`}
        columns={[
          { key: "language", title: t("shell.language"), cell: (row) => <b>{row.language}</b> },
          ...(rows.some((row) => row.kind)
            ? [
                {
                  key: "kind",
                  title: t("import.kind"),
                  cell: (row: (typeof rows)[number]) => t(`keyword.kind.${row.kind}`, { defaultValue: row.kind }),
                },
              ]
            : []),
          {
            key: "words",
            title: t("keyword.words"),
            wide: true,
            cell: (row) =>
              spoken(
                Object.fromEntries(Object.entries(row.list).filter(([name]) => name !== "language" && name !== "kind")),
              ),
          },
        ]}
      />
    </Card>
  );
}
