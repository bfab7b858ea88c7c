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

type Row = { language: string; kind: string; words: string };

/** One line a language and kind; words that count only while no question is open come last. */
function rowsOf(lists: Record<string, unknown>[]): Row[] {
  return lists.flatMap((list) => {
    const ordinary = (list.ordinary ?? {}) as Record<string, string[]>;
    const kinds = Object.entries(list).filter((part): part is [string, string[]] => Array.isArray(part[1]));
    const more = Object.keys(ordinary).filter((kind) => !kinds.some(([name]) => name === kind));
    return [...kinds, ...more.map((kind): [string, string[]] => [kind, []])].map(([kind, words]) => ({
      language: String(list.language ?? ""),
      kind,
      words: [...words, ...(ordinary[kind] ?? [])].join(", "),
    }));
  });
}

function BuiltIn({ lists }: { lists: Record<string, unknown>[] }) {
  const { t, i18n } = useTranslation();
  const names = new Intl.DisplayNames([i18n.language], { type: "language" });
  return (
    <Card flush title={t("keyword.builtIn")} hint={t("keyword.builtInHint")}>
      <DataTable
        label={t("keyword.builtIn")}
        rows={rowsOf(lists)}
        rowKey={(row) => `${row.language}-${row.kind}`}
        columns={[
          {
            key: "language",
            title: t("shell.language"),
            cell: (row) => <b>{names.of(row.language) ?? row.language}</b>,
          },
          {
            key: "kind",
            title: t("import.kind"),
            cell: (row) => t(`keyword.kind.${row.kind}`, { defaultValue: row.kind }),
          },
          {
            key: "words",
            title: t("keyword.words"),
            wide: true,
            cell: (row) => <bdi lang={row.language}>{row.words}</bdi>,
          },
        ]}
      />
    </Card>
  );
}
