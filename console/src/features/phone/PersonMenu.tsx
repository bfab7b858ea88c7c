import { useTranslation } from "react-i18next";
import {
  ActionIcon,
  IconAlertTriangle,
  IconBan,
  IconDotsVertical,
  IconFlag,
  IconMessageOff,
  IconPhone,
  Menu,
} from "@/ui";
import type { Action, Person } from "./api";
import { newNumber } from "./usePlayer";

type Props = { person: Person | null; number: string | null; act: (action: Action) => void };

/** What a person can do besides writing: stop marketing, block, report, change number. */
export function PersonMenu({ person, number, act }: Props) {
  const { t } = useTranslation();
  const blocked = Boolean(person?.has_blocked.some((one) => number === null || one === number));
  const stopped = Boolean(person?.stopped_marketing.length);
  return (
    <Menu position="bottom-end" withinPortal width={250}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={30} aria-label={t("phone.personMenu")}>
          <IconDotsVertical size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconMessageOff size={16} />} onClick={() => act({ action: "text", text: "STOP" })}>
          {t("phone.writeStop")}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconMessageOff size={16} />}
          onClick={() => act({ action: stopped ? "resume_marketing" : "stop_marketing" })}
        >
          {stopped ? t("phone.resumeMarketing") : t("phone.stopMarketing")}
        </Menu.Item>
        <Menu.Item leftSection={<IconBan size={16} />} onClick={() => act({ action: blocked ? "unblock" : "block" })}>
          {blocked ? t("phone.unblock") : t("phone.block")}
        </Menu.Item>
        <Menu.Item leftSection={<IconFlag size={16} />} onClick={() => act({ action: "report" })}>
          {t("phone.report")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconPhone size={16} />}
          onClick={() => act({ action: "change_number", to: newNumber() })}
        >
          {t("phone.changeNumber")}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconAlertTriangle size={16} />}
          onClick={() => act({ action: "unsupported", type: "poll" })}
        >
          {t("phone.unsupported")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
