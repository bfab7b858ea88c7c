import { useTranslation } from "react-i18next";
import { fromChat, type ListRow, type MessageButton, MessageCard, type MessageStatus } from "@/features/messages";
import { useWhere } from "@/features/session";
import { clockTime } from "@/lib/time";
import { ActionIcon, IconArrowBackUp, IconDotsVertical, IconEye, Menu } from "@/ui";
import type { ChatMessage } from "./api";
import c from "./phone.module.css";

const EMOJI = ["👍", "❤️", "😂", "😮", "🙏"] as const;
const STATUS: Record<string, MessageStatus> = {
  accepted: "accepted",
  sent: "sent",
  delivered: "delivered",
  read: "read",
  played: "read",
  failed: "failed",
  received: "read",
};

type Props = {
  message: ChatMessage;
  quoted: string | undefined;
  reaction: string | undefined;
  onButton: (button: MessageButton) => void;
  onRow: (row: ListRow) => void;
  onReact: (emoji: string) => void;
  onQuote: () => void;
  onGlass: () => void;
};

export function Bubble({ message, quoted, reaction, onButton, onRow, onReact, onQuote, onGlass }: Props) {
  const { t } = useTranslation();
  const where = useWhere();
  const mine = message.direction === "in";
  const waiting = !mine && (message.status === "accepted" || message.status === "sent");
  if (!mine && message.status === "failed") return null;
  return (
    <div className={c.line} data-mine={mine || undefined} data-waiting={waiting || undefined}>
      <MessageCard
        body={fromChat(message)}
        mine={mine}
        at={clockTime(message.at, where)}
        status={mine ? (STATUS[message.status] ?? "read") : undefined}
        quoted={quoted}
        reaction={reaction}
        onButton={mine ? undefined : onButton}
        onRow={mine ? undefined : onRow}
      />
      <Menu position="bottom" withinPortal>
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={26}
            className={c.more ?? ""}
            aria-label={t("phone.messageMenu")}
          >
            <IconDotsVertical size={15} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {!mine && (
            <>
              {EMOJI.map((emoji) => (
                <Menu.Item
                  key={emoji}
                  onClick={() => onReact(reaction === emoji ? "" : emoji)}
                  aria-label={t("phone.react", { emoji })}
                >
                  {emoji}
                </Menu.Item>
              ))}
              <Menu.Divider />
              <Menu.Item leftSection={<IconArrowBackUp size={15} />} onClick={onQuote}>
                {t("phone.quote")}
              </Menu.Item>
            </>
          )}
          <Menu.Item leftSection={<IconEye size={15} />} onClick={onGlass}>
            {t("phone.glass")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
