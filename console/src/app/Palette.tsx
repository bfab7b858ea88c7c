import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFindPeople } from "@/features/people/search";
import { useAdvanceClock } from "@/features/phone/clock";
import { useMay, useSession } from "@/features/session";
import {
  IconClock,
  IconMoon,
  IconSearch,
  IconSun,
  IconUser,
  Spotlight,
  type SpotlightActionData,
  spotlight,
  useComputedColorScheme,
  useDebouncedValue,
  useMantineColorScheme,
} from "@/ui";
import { PAGES } from "./pages";

/** Ctrl K: people by name or number, pages, actions. */
export function Palette({ asked }: { asked: number }) {
  const { t } = useTranslation();
  const me = useSession();
  const may = useMay();
  const navigate = useNavigate();
  const [query, setQuery] = useState("");
  const [settled] = useDebouncedValue(query, 200);
  const people = useFindPeople(may("profiles.read") ? settled : "");
  const scheme = useComputedColorScheme("light");
  const { setColorScheme } = useMantineColorScheme();
  const simulated = me.senders.find((sender) => sender.simulated);
  const advance = useAdvanceClock(simulated?.id ?? null);
  const go = (to: string) => void navigate({ to });
  useEffect(() => {
    if (asked > 0) spotlight.open();
  }, [asked]);
  const pages: SpotlightActionData[] = PAGES.filter((page) => page.right === null || may(page.right)).map((page) => ({
    id: page.to,
    label: t(page.key),
    onClick: () => go(page.to),
  }));
  const actions: SpotlightActionData[] = [
    {
      id: "scheme",
      label: scheme === "dark" ? t("palette.light") : t("palette.dark"),
      leftSection: scheme === "dark" ? <IconSun size={18} /> : <IconMoon size={18} />,
      onClick: () => setColorScheme(scheme === "dark" ? "light" : "dark"),
    },
  ];
  if (simulated && may("simulator.write")) {
    actions.push(
      {
        id: "hour",
        label: t("palette.hour"),
        leftSection: <IconClock size={18} />,
        onClick: () => advance.mutate(3600),
      },
      {
        id: "day",
        label: t("palette.day"),
        leftSection: <IconClock size={18} />,
        onClick: () => advance.mutate(86_400),
      },
    );
  }
  const found: SpotlightActionData[] = people.map((person) => ({
    id: `person-${person.id}`,
    label: person.name,
    description: person.line,
    keywords: settled,
    leftSection: <IconUser size={18} />,
    onClick: () => go(`/profiles/${person.id}`),
  }));
  const groups = [
    ...(found.length ? [{ group: t("palette.people"), actions: found }] : []),
    { group: t("palette.pages"), actions: pages },
    { group: t("palette.actions"), actions },
  ];
  return (
    <Spotlight
      query={query}
      onQueryChange={setQuery}
      shortcut={null}
      nothingFound={t("palette.nothing")}
      highlightQuery
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: t("palette.placeholder"),
        "aria-label": t("palette.placeholder"),
      }}
      actions={groups}
    />
  );
}
