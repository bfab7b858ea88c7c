import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSession } from "@/features/session";
import { fieldWords } from "@/lib/problems";
import {
  Button,
  Card,
  FormErrors,
  Note,
  PageBody,
  PageHeader,
  PasswordInput,
  SimpleGrid,
  Stack,
  TextInput,
} from "@/ui";
import { useCreateSender } from "./api";

const EMPTY = {
  name: "",
  phone_number: "",
  phone_number_id: "",
  waba_id: "",
  app_id: "",
  app_secret: "",
  access_token: "",
};
type Field = keyof typeof EMPTY;
const SECRETS: Field[] = ["app_secret", "access_token"];

export function NewSenderPage() {
  const { t } = useTranslation();
  const { workspace } = useSession();
  const navigate = useNavigate();
  const create = useCreateSender();
  const [values, setValues] = useState(EMPTY);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const filled = Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim()));
    create.mutate(
      { channel: "whatsapp", timezone: workspace.timezone, ...filled },
      { onSuccess: (made) => void navigate({ to: `/settings/senders/${made.id}` }) },
    );
  };
  const field = (name: Field) => {
    const Input = SECRETS.includes(name) ? PasswordInput : TextInput;
    return (
      <Input
        key={name}
        label={t(`sender.field.${name}`)}
        description={t(`sender.hint.${name}`)}
        value={values[name]}
        autoComplete="off"
        required={name !== "phone_number"}
        onChange={(event) => {
          const value = event.currentTarget.value;
          setValues((before) => ({ ...before, [name]: value }));
        }}
        error={fieldWords(create.error, name)}
      />
    );
  };
  return (
    <>
      <PageHeader
        title={t("sender.add")}
        crumb={{ label: t("settings.senders"), to: "/settings/senders" }}
        hint={t("sender.addLead")}
      />
      <PageBody narrow>
        <form onSubmit={submit}>
          <Stack gap="md">
            <Note kind="info" title={t("sender.steps")}>
              {t("sender.stepsText")}
            </Note>
            <FormErrors error={create.error} />
            <Card title={t("sender.theNumber")}>
              <SimpleGrid cols={{ base: 1, sm: 2 }}>
                {(["name", "phone_number", "phone_number_id", "waba_id"] as const).map(field)}
              </SimpleGrid>
            </Card>
            <Card title={t("sender.theApp")}>
              <SimpleGrid cols={{ base: 1, sm: 2 }}>
                {(["app_id", "app_secret", "access_token"] as const).map(field)}
              </SimpleGrid>
            </Card>
            <div>
              <Button type="submit" loading={create.isPending} disabled={!values.name.trim()}>
                {t("sender.save")}
              </Button>
            </div>
          </Stack>
        </form>
      </PageBody>
    </>
  );
}
