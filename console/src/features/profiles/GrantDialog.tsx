import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSession } from "@/features/session";
import { Button, FormErrors, Modal, notifications, Select, Stack, Textarea, TextInput } from "@/ui";
import { useWriteConsent } from "./api";

const PURPOSES = ["marketing", "transactional", "service", "feedback"] as const;

/** Consent by hand needs its proof: when, where and with which words. */
export function GrantDialog({ profileId, onClose }: { profileId: string; onClose: () => void }) {
  const { t } = useTranslation();
  const { member } = useSession();
  const write = useWriteConsent(profileId);
  const [purpose, setPurpose] = useState<string>("marketing");
  const [wording, setWording] = useState("");
  const [place, setPlace] = useState("");
  const [when, setWhen] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    write.mutate(
      {
        channel: "whatsapp",
        purpose,
        state: "granted",
        ...(when && { effective_at: new Date(when).toISOString() }),
        evidence: { wording, collected_by: member?.name || member?.email, data: { place } },
      },
      {
        onSuccess: () => {
          notifications.show({ message: t("consent.recorded2") });
          onClose();
        },
      },
    );
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={<b>{t("consent.recordTitle")}</b>}
      closeButtonProps={{ "aria-label": t("ui.close") }}
    >
      <form onSubmit={submit}>
        <Stack gap="sm">
          <FormErrors error={write.error} />
          <Select
            label={t("delivery.purpose")}
            value={purpose}
            onChange={(value) => value && setPurpose(value)}
            data={PURPOSES.map((value) => ({ value, label: t(`purpose.${value}`) }))}
          />
          <Textarea
            label={t("evidence.wording")}
            description={t("consent.wordingHint")}
            required
            minRows={3}
            autosize
            value={wording}
            onChange={(event) => setWording(event.currentTarget.value)}
          />
          <TextInput
            label={t("consent.place")}
            description={t("consent.placeHint")}
            required
            value={place}
            onChange={(event) => setPlace(event.currentTarget.value)}
          />
          <TextInput
            label={t("consent.when")}
            type="datetime-local"
            value={when}
            onChange={(event) => setWhen(event.currentTarget.value)}
          />
          <Button type="submit" loading={write.isPending} disabled={!wording.trim() || !place.trim()}>
            {t("consent.record")}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
