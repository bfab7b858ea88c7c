import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSession } from "@/features/session";
import { fieldWords } from "@/lib/problems";
import { Button, FormErrors, Group, Modal, Note, Select, Stack, Textarea, TextInput } from "@/ui";
import { type FormOut, useSaveForm } from "./api";

const LANGUAGES = ["en", "nl", "de", "fr", "es", "pt", "it", "ar"] as const;

/** A form, or its next version; earlier versions are kept, because they are evidence. */
export function FormDialog({ form, onClose }: { form: FormOut | null; onClose: () => void }) {
  const { t } = useTranslation();
  const { workspace } = useSession();
  const save = useSaveForm();
  const content = (form?.content ?? {}) as {
    business_name?: string;
    name?: string;
    privacy_notice_url?: string;
    topics?: { key: string; labels: Record<string, string> }[];
  };
  const [slug, setSlug] = useState(form?.slug ?? "");
  const [business, setBusiness] = useState(content.business_name ?? workspace.name);
  const [privacy, setPrivacy] = useState(content.privacy_notice_url ?? "");
  const [wordings, setWordings] = useState<{ language: string; text: string }[]>(
    form?.wordings.map(({ language, text }) => ({ language, text })) ?? [
      { language: workspace.default_language.slice(0, 2), text: "" },
    ],
  );
  const change = (index: number, part: Partial<(typeof wordings)[number]>) =>
    setWordings(wordings.map((one, at) => (at === index ? { ...one, ...part } : one)));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(
      {
        slug: slug.trim(),
        name: content.name ?? slug,
        business_name: business,
        wordings,
        topics: content.topics ?? [],
        privacy_notice_url: privacy,
        double_opt_in: null,
      },
      { onSuccess: onClose },
    );
  };
  const spare = LANGUAGES.find((language) => !wordings.some((one) => one.language === language));
  return (
    <Modal
      opened
      onClose={onClose}
      title={<b>{form ? t("form.newVersion") : t("form.add")}</b>}
      size="lg"
      closeButtonProps={{ "aria-label": t("ui.close") }}
    >
      <form onSubmit={submit}>
        <Stack gap="md">
          {form && <Note kind="info" title={t("form.versions")} />}
          <FormErrors error={save.error} />
          <TextInput
            label={t("form.slug")}
            description={t("form.slugHint")}
            required
            disabled={form !== null}
            value={slug}
            onChange={(event) => setSlug(event.currentTarget.value)}
            error={fieldWords(save.error, "slug")}
          />
          <TextInput
            label={t("evidence.business_name")}
            value={business}
            onChange={(event) => setBusiness(event.currentTarget.value)}
          />
          <TextInput
            label={t("form.privacy")}
            type="url"
            placeholder="https://"
            value={privacy}
            onChange={(event) => setPrivacy(event.currentTarget.value)}
          />
          {wordings.map((wording, index) => (
            <Group key={wording.language} align="flex-start" gap="xs" wrap="nowrap">
              <Select
                label={t("shell.language")}
                w={90}
                value={wording.language}
                data={[...LANGUAGES]}
                onChange={(value) => value && change(index, { language: value })}
              />
              <Textarea
                flex={1}
                label={t("evidence.wording")}
                required
                autosize
                minRows={2}
                value={wording.text}
                onChange={(event) => change(index, { text: event.currentTarget.value })}
                placeholder={t("form.wordingExample")}
              />
            </Group>
          ))}
          {spare && (
            <div>
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => setWordings([...wordings, { language: spare, text: "" }])}
              >
                {t("form.addLanguage")}
              </Button>
            </div>
          )}
          <Button
            type="submit"
            loading={save.isPending}
            disabled={!slug.trim() || wordings.some((one) => !one.text.trim())}
          >
            {t("ui.save")}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
