import { useTranslation } from "react-i18next";
import { phone } from "@/lib/phones";
import { ActionIcon, Button, Group, IconClock, IconPlayerTrackNext, IconUserPlus, Menu, Select, Tooltip } from "@/ui";
import { type Person, useChangePerson, useClock } from "./api";
import c from "./phone.module.css";
import { newNumber } from "./usePlayer";

type Props = { sender: string; people: Person[]; waId: string; play: (waId: string) => void };

export function PlayAs({ sender, people, waId, play }: Props) {
  const { t } = useTranslation();
  const make = useChangePerson(sender);
  const clock = useClock(sender);
  const known =
    people.some((person) => person.wa_id === waId) || !waId ? people : [...people, { wa_id: waId, name: "" } as Person];
  const start = () => {
    const number = newNumber();
    make.mutate({ wa_id: number }, { onSuccess: () => play(number) });
  };
  return (
    <Group gap={6} wrap="nowrap" className={c.playAs ?? ""}>
      <Select
        aria-label={t("phone.playAs")}
        flex={1}
        searchable
        value={waId || null}
        onChange={(value) => value && play(value)}
        data={known.map((person) => ({
          value: person.wa_id,
          label: person.name ? `${person.name} · ${phone(person.wa_id)}` : phone(person.wa_id),
        }))}
        nothingFoundMessage={t("palette.nothing")}
        comboboxProps={{ withinPortal: true }}
      />
      <Tooltip label={t("phone.newNumber")}>
        <ActionIcon
          variant="default"
          size={34}
          onClick={start}
          loading={make.isPending}
          aria-label={t("phone.newNumber")}
        >
          <IconUserPlus size={17} />
        </ActionIcon>
      </Tooltip>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" px={10} leftSection={<IconClock size={16} />} loading={clock.isPending}>
            {t("phone.clock")}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => clock.mutate({ seconds: 3600 })}>{t("phone.hour")}</Menu.Item>
          <Menu.Item leftSection={<IconPlayerTrackNext size={15} />} onClick={() => clock.mutate("next")}>
            {t("phone.next")}
          </Menu.Item>
          <Menu.Item onClick={() => clock.mutate({ seconds: 86_400 })}>{t("phone.day")}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
