import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, Group, IconRefresh, IconSettings, Popover, Select, Stack, Switch, useDisclosure } from "@/ui";
import { type Person, useAct, useChangePerson, useFailNext, useStartOver } from "./api";
import c from "./phone.module.css";

const SCRIPTS: Record<string, unknown> = {
  hand: { read: 1, replies: [] },
  silent: { read: 0, replies: [] },
  replies: { read: 1, replies: [{ when: { any: true }, do: { text: "Yes please" }, after_seconds: 4 }] },
  stops: { read: 1, replies: [{ when: { any: true }, do: { text: "STOP" }, after_seconds: 4 }] },
  chance: {
    read: 0.7,
    replies: [{ when: { any: true }, do: { text: "Thanks!" }, probability: 0.4, after_seconds: 6 }],
  },
};
const CODES = [131026, 131047, 131049, 131050, 131000, 130429, 131056, 132015] as const;

type Props = { sender: string; waId: string; number: string | null; people: Person[] };

export function Controls({ sender, waId, number, people }: Props) {
  const { t } = useTranslation();
  const [opened, { toggle, close }] = useDisclosure(false);
  const person = people.find((one) => one.wa_id === waId);
  const act = useAct(sender, waId, number);
  const change = useChangePerson(sender);
  const fail = useFailNext(sender);
  const again = useStartOver(sender);
  const [script, setScript] = useState("hand");
  return (
    <div className={c.controls}>
      <Switch
        size="sm"
        label={t("phone.online")}
        checked={person?.online ?? true}
        onChange={(event) => act.mutate({ action: event.currentTarget.checked ? "online" : "offline" })}
      />
      <Switch
        size="sm"
        label={t("phone.receipts")}
        checked={person?.receipts ?? true}
        onChange={(event) => change.mutate({ wa_id: waId, receipts: event.currentTarget.checked })}
      />
      <Popover
        opened={opened}
        onChange={(open) => !open && close()}
        position="top-end"
        width={300}
        shadow="md"
        withinPortal
        trapFocus
      >
        <Popover.Target>
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            leftSection={<IconSettings size={15} />}
            onClick={toggle}
          >
            {t("phone.moreControls")}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <Stack gap="sm">
            <Select
              label={t("phone.script")}
              value={script}
              data={Object.keys(SCRIPTS).map((value) => ({ value, label: t(`phone.scripts.${value}`) }))}
              onChange={(value) => {
                if (!value) return;
                setScript(value);
                change.mutate({ wa_id: waId, behaviour: SCRIPTS[value] });
              }}
              comboboxProps={{ withinPortal: false }}
            />
            <Select
              label={t("phone.failNext")}
              placeholder={t("phone.failChoose")}
              value={null}
              data={CODES.map((code) => ({ value: String(code), label: `${code} · ${t(`phone.codes.${code}`)}` }))}
              onChange={(value) => value && fail.mutate({ waId, code: Number(value) }, { onSuccess: close })}
              comboboxProps={{ withinPortal: false }}
            />
            <Group justify="space-between">
              <Button
                variant="default"
                size="compact-md"
                leftSection={<IconRefresh size={15} />}
                loading={again.isPending}
                onClick={() => again.mutate(people, { onSuccess: close })}
              >
                {t("phone.startOver")}
              </Button>
            </Group>
          </Stack>
        </Popover.Dropdown>
      </Popover>
    </div>
  );
}
