import { useNavigate, useParams } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLink, useTakeLink } from "@/features/session";
import { fieldWords } from "@/lib/problems";
import { dateTime } from "@/lib/time";
import { Button, FormErrors, Link, LoadingState, PasswordInput, Stack, TextInput, Title } from "@/ui";
import c from "./app.module.css";
import { Centered } from "./Centered";
import { ErrorBox } from "./ErrorPage";
import { LanguageSwitch } from "./LanguageSwitch";

/** What an invitation or reset link opens: choose a password, and be signed in. */
export function LinkPage() {
  const { t, i18n } = useTranslation();
  const { token } = useParams({ strict: false }) as { token: string };
  const link = useLink(token);
  const take = useTakeLink(token);
  const navigate = useNavigate();
  const [name, setName] = useState<string | null>(null);
  const [password, setPassword] = useState("");
  if (link.isPending) {
    return (
      <Centered>
        <LoadingState />
      </Centered>
    );
  }
  if (link.error) {
    return (
      <Centered>
        <div className={c.signCard}>
          <Title order={1} className={c.signTitle ?? ""}>
            Sojourn
          </Title>
          <ErrorBox error={link.error} />
          <p>
            <Link to="/">{t("link.toSignIn")}</Link>
          </p>
        </div>
        <LanguageSwitch />
      </Centered>
    );
  }
  const { kind, email, workspace, expires_at: expires } = link.data;
  const own = link.data.asks_for_own_password ?? false;
  const written = name ?? link.data.name ?? "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const words = kind === "invitation" ? { name: written.trim(), password } : { password };
    take.mutate(words, { onSuccess: () => void navigate({ to: "/" }) });
  };
  return (
    <Centered>
      <form className={c.signCard} onSubmit={submit} noValidate>
        <Stack gap="md">
          <Title order={1} className={c.signTitle ?? ""}>
            {t(`link.${kind}`, { workspace })}
          </Title>
          <p className={c.quiet}>{t(`link.${kind}Lead`, { email, workspace })}</p>
          <FormErrors error={take.error} />
          {kind === "invitation" && (
            <TextInput
              label={t("link.name")}
              size="md"
              autoComplete="name"
              value={written}
              onChange={(event) => setName(event.currentTarget.value)}
              error={fieldWords(take.error, "name")}
            />
          )}
          <PasswordInput
            label={t(own ? "link.ownPassword" : "link.password")}
            description={t(own ? "link.ownRule" : "link.rule")}
            size="md"
            autoComplete={own ? "current-password" : "new-password"}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={fieldWords(take.error, "password")}
          />
          <Button
            type="submit"
            size="md"
            h={42}
            loading={take.isPending}
            disabled={own ? !password : password.length < 10}
          >
            {t("link.submit")}
          </Button>
          <p className={c.quiet}>
            {t("link.expires", {
              at: dateTime(expires, { locale: i18n.language, zone: Intl.DateTimeFormat().resolvedOptions().timeZone }),
            })}
          </p>
        </Stack>
      </form>
      <LanguageSwitch />
    </Centered>
  );
}
