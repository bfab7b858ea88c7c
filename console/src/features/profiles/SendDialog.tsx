import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { fromContent, MessageCard } from "@/features/messages";
import { Badge, Button, FormErrors, LoadingState, Modal, Select, Stack, TextInput } from "@/ui";
import { useSendTemplate, useTemplates } from "./api";
import c from "./profiles.module.css";

/** One template to one person, through the same decision as everything else. */
export function SendDialog({ profileId, onClose }: { profileId: string; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const templates = useTemplates();
  const send = useSendTemplate(profileId);
  const [name, setName] = useState<string | null>(null);
  const [variables, setVariables] = useState<Record<string, string>>({});
  const template = templates.data?.find((one) => one.name === name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!template) return;
    send.mutate(
      { template, variables },
      {
        onSuccess: (id) => {
          onClose();
          if (id) void navigate({ to: `/deliveries/${id}` });
        },
      },
    );
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={<b>{t("send.title")}</b>}
      size="lg"
      closeButtonProps={{ "aria-label": t("ui.close") }}
    >
      {templates.isPending && <LoadingState rows={3} />}
      <form onSubmit={submit}>
        <Stack gap="sm">
          <FormErrors error={send.error ?? templates.error} />
          <Select
            label={t("delivery.templateLabel")}
            description={t("send.hint")}
            searchable
            data-autofocus
            value={name}
            onChange={setName}
            data={(templates.data ?? []).map((one) => one.name)}
            nothingFoundMessage={t("send.noTemplates")}
          />
          {template && (
            <>
              <div>
                <Badge tone="brand">{t(`purpose.${template.purpose}`, { defaultValue: template.purpose })}</Badge>
              </div>
              <div className={c.preview}>
                <MessageCard body={fromContent(null, null, template.variants[0]?.components ?? [])} mine />
              </div>
              {Object.entries(template.variables).map(([variable, rule]) => (
                <TextInput
                  key={variable}
                  label={variable}
                  description={rule.default ? t("send.default", { value: rule.default }) : t("send.fromProfile")}
                  value={variables[variable] ?? ""}
                  onChange={(event) => {
                    const value = event.currentTarget.value;
                    setVariables((before) => ({ ...before, [variable]: value }));
                  }}
                />
              ))}
            </>
          )}
          <Button type="submit" disabled={!template} loading={send.isPending}>
            {t("send.submit")}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
