import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChangePassword } from "@/features/session";
import { fieldWords } from "@/lib/problems";
import { Button, FormErrors, Modal, notifications, PasswordInput, Stack } from "@/ui";

export function PasswordDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChangePassword();
  const [current, setCurrent] = useState("");
  const [wanted, setWanted] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(
      { current, new: wanted },
      {
        onSuccess: () => {
          notifications.show({ message: t("password.changed") });
          setCurrent("");
          setWanted("");
          onClose();
        },
      },
    );
  };
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={<b>{t("password.title")}</b>}
      closeButtonProps={{ "aria-label": t("ui.close") }}
    >
      <form onSubmit={submit}>
        <Stack gap="md">
          <FormErrors error={change.error} />
          <PasswordInput
            label={t("password.current")}
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
            data-autofocus
          />
          <PasswordInput
            label={t("password.new")}
            description={t("link.rule")}
            autoComplete="new-password"
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
            error={fieldWords(change.error, "new")}
          />
          <Button type="submit" loading={change.isPending} disabled={!current || wanted.length < 10}>
            {t("ui.save")}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
