import { createContext, type ReactNode, useContext, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Where } from "@/lib/time";
import type { Me } from "./api";

const SessionContext = createContext<Me | null>(null);

export const SessionProvider = ({ me, children }: { me: Me; children: ReactNode }) => (
  <SessionContext value={me}>{children}</SessionContext>
);

/** Who is signed in; only inside the shell. */
export function useSession(): Me {
  const me = useContext(SessionContext);
  if (!me) throw new Error("no session here");
  return me;
}

/** Whether the person may do something; the server decides, this only explains. */
export function useMay(): (right: string) => boolean {
  const { rights } = useSession();
  return useMemo(() => {
    const owned = new Set(rights);
    return (right: string) => owned.has("*") || owned.has(right);
  }, [rights]);
}

/** The language with the person's own region where the browser speaks it: dates as they are used to. */
const regional = (language: string): string =>
  navigator.languages.find((one) => one.toLowerCase().startsWith(`${language}-`)) ??
  (language === "en" ? "en-GB" : language);

/** The language of the person and the zone of the workspace, for dates and numbers. */
export function useWhere(): Where {
  const { i18n } = useTranslation();
  const { workspace } = useSession();
  return useMemo(
    () => ({ locale: regional(i18n.language), zone: workspace.timezone }),
    [i18n.language, workspace.timezone],
  );
}
