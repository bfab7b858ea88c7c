import { useEffect, useState } from "react";
import { SessionProvider, useMe } from "@/features/session";
import { speak } from "@/i18n";
import { ApiProblem, setOnSignedOut } from "@/lib/http";
import { live } from "@/lib/live";
import { Loader, Modal, useMantineColorScheme } from "@/ui";
import c from "./app.module.css";
import { Centered } from "./Centered";
import { ErrorBox } from "./ErrorPage";
import { Shell } from "./Shell";
import { SignInForm, SignInPage } from "./SignIn";

/** Lets in who is signed in. A session that ends in mid-edit asks for the password above the page, which stays. */
export function Gate() {
  const me = useMe();
  const [expired, setExpired] = useState(false);
  const signedIn = me.data !== undefined;
  useEffect(() => {
    setOnSignedOut(() => setExpired(true));
  }, []);
  useEffect(() => {
    if (signedIn) live.start();
  }, [signedIn]);
  const language = me.data?.member?.language;
  useEffect(() => {
    if (language) void speak(language);
  }, [language]);
  const theme = me.data?.member?.theme;
  const { setColorScheme } = useMantineColorScheme();
  useEffect(() => {
    if (theme) setColorScheme(theme === "light" || theme === "dark" ? theme : "auto");
  }, [theme, setColorScheme]);
  if (me.data) {
    return (
      <SessionProvider me={me.data}>
        <Shell />
        <Modal opened={expired} onClose={() => setExpired(false)} withCloseButton={false} closeOnClickOutside={false}>
          <SignInForm onDone={() => setExpired(false)} />
        </Modal>
      </SessionProvider>
    );
  }
  if (me.isPending) {
    return (
      <Centered>
        <Loader className={c.late ?? ""} />
      </Centered>
    );
  }
  if (me.error instanceof ApiProblem && me.error.status === 401) return <SignInPage />;
  return (
    <Centered>
      <ErrorBox error={me.error} onRetry={() => void me.refetch()} />
    </Centered>
  );
}
