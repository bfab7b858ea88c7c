import { type FormEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSignIn } from "@/features/session";
import {
  Button,
  FormErrors,
  IconDeviceMobileMessage,
  IconReportAnalytics,
  IconShieldCheck,
  PasswordInput,
  Stack,
  TextInput,
  Title,
} from "@/ui";
import c from "./app.module.css";
import { LanguageSwitch } from "./LanguageSwitch";

export function SignInForm({ onDone }: { onDone?: () => void }) {
  const { t } = useTranslation();
  const signIn = useSignIn();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate({ email: email.trim(), password }, { onSuccess: () => onDone?.() });
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Title order={1} className={c.signTitle ?? ""}>
          {t("signin.title")}
        </Title>
        <FormErrors error={signIn.error} />
        <TextInput
          label={t("signin.email")}
          type="email"
          name="email"
          autoComplete="username"
          size="md"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          data-autofocus
        />
        <PasswordInput
          label={t("signin.password")}
          name="password"
          autoComplete="current-password"
          size="md"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" fullWidth size="md" h={42} loading={signIn.isPending} disabled={!email || !password}>
          {t("signin.submit")}
        </Button>
        <p className={c.quiet}>{t("signin.forgot")}</p>
      </Stack>
    </form>
  );
}

const PROMISES = [
  { key: "signin.tagline1", icon: IconReportAnalytics },
  { key: "signin.tagline2", icon: IconShieldCheck },
  { key: "signin.tagline3", icon: IconDeviceMobileMessage },
] as const;

export function SignInPage() {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = `${t("signin.title")} · Sojourn`;
  }, [t]);
  return (
    <div className={c.sign}>
      <aside className={c.signSide} aria-label="Sojourn">
        <div className={c.brand}>
          <img src="/assets/icon.svg" alt="" width="40" height="40" />
          <b>Sojourn</b>
        </div>
        <p className={c.signLead}>{t("signin.lead")}</p>
        <ul className={c.promises}>
          {PROMISES.map(({ key, icon: Icon }) => (
            <li key={key}>
              <span>
                <Icon size={19} aria-hidden="true" />
              </span>
              <div>
                <b>{t(key)}</b>
                <p>{t(`${key}Text`)}</p>
              </div>
            </li>
          ))}
        </ul>
      </aside>
      <main className={c.signMain}>
        <div className={c.signCard}>
          <SignInForm />
        </div>
        <LanguageSwitch />
      </main>
    </div>
  );
}
