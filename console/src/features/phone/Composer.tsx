import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  ActionIcon,
  IconAddressBook,
  IconFileText,
  IconMapPin,
  IconMicrophone,
  IconPaperclip,
  IconPhoto,
  IconSend2,
  IconVideo,
  IconX,
  Menu,
} from "@/ui";
import type { Action, ChatMessage } from "./api";
import c from "./phone.module.css";

const PLACE = { latitude: 52.3731, longitude: 4.8926, name: "Dam", address: "Dam, Amsterdam" };
const KINDS = [
  { action: "image", key: "phone.photo", icon: IconPhoto },
  { action: "video", key: "phone.video", icon: IconVideo },
  { action: "audio", key: "phone.voice", icon: IconMicrophone },
  { action: "document", key: "phone.document", icon: IconFileText },
  { action: "location", key: "phone.place", icon: IconMapPin },
  { action: "contacts", key: "phone.contact", icon: IconAddressBook },
] as const;

type Props = {
  act: (action: Action) => void;
  quoted: ChatMessage | null;
  onQuote: (message: ChatMessage | null) => void;
  disabled: boolean;
};

export function Composer({ act, quoted, onQuote, disabled }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const send = (event: FormEvent) => {
    event.preventDefault();
    const words = text.trim();
    if (!words) return;
    act({ action: "text", text: words, ...(quoted && { reply_to: quoted.id }) });
    setText("");
    onQuote(null);
  };
  return (
    <form className={c.composer} onSubmit={send}>
      {quoted && (
        <div className={c.quote}>
          <span>{quoted.text || quoted.type}</span>
          <ActionIcon size={24} variant="subtle" color="gray" onClick={() => onQuote(null)} aria-label={t("ui.remove")}>
            <IconX size={14} />
          </ActionIcon>
        </div>
      )}
      <div className={c.field}>
        <Menu position="top-start" withinPortal>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" size={28} aria-label={t("phone.attach")} disabled={disabled}>
              <IconPaperclip size={18} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {KINDS.map(({ action, key, icon: Icon }) => (
              <Menu.Item
                key={action}
                leftSection={<Icon size={16} />}
                onClick={() => act({ action, ...(action === "location" && PLACE) })}
              >
                {t(key)}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        <input
          value={text}
          onChange={(event) => setText(event.target.value)}
          placeholder={t("phone.message")}
          aria-label={t("phone.messageAs")}
          disabled={disabled}
          autoComplete="off"
        />
      </div>
      <button type="submit" className={c.send} aria-label={t("phone.send")} disabled={disabled}>
        <IconSend2 size={18} aria-hidden="true" />
      </button>
    </form>
  );
}
