import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { fieldWords } from "@/lib/problems";
import { Button, Checkbox, CopyText, FormErrors, Modal, Note, Stack, TextInput } from "@/ui";
import { EVENTS, useCreateEndpoint } from "./api";

export function NewEndpointDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const create = useCreateEndpoint();
  const [url, setUrl] = useState("");
  const [description, setDescription] = useState("");
  const [events, setEvents] = useState<string[]>([...EVENTS]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ url, events, description });
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={<b>{t("webhook.add")}</b>}
      size="lg"
      closeButtonProps={{ "aria-label": t("ui.close") }}
    >
      {create.data ? (
        <Stack>
          <Note kind="warn" title={t("webhook.secretOnce")}>
            {t("webhook.secretText")}
          </Note>
          <CopyText block value={create.data.secret} />
          <Button onClick={onClose}>{t("ui.done")}</Button>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack gap="md">
            <FormErrors error={create.error} />
            <TextInput
              label="URL"
              type="url"
              required
              placeholder="https://"
              value={url}
              onChange={(event) => setUrl(event.currentTarget.value)}
              error={fieldWords(create.error, "url")}
              description={t("webhook.urlHint")}
              data-autofocus
            />
            <TextInput
              label={t("webhook.description")}
              value={description}
              onChange={(event) => setDescription(event.currentTarget.value)}
            />
            <Checkbox.Group label={t("webhook.events")} value={events} onChange={setEvents}>
              <Stack gap={6} mt={6}>
                {EVENTS.map((name) => (
                  <Checkbox
                    key={name}
                    value={name}
                    label={`${t(`webhook.event.${name.replace(".", "_")}`)} (${name})`}
                  />
                ))}
              </Stack>
            </Checkbox.Group>
            <Button type="submit" loading={create.isPending} disabled={!url || events.length === 0}>
              {t("webhook.add")}
            </Button>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
