import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSession } from "@/features/session";
import { Kbd, Modal } from "@/ui";
import c from "./app.module.css";

const GO: Record<string, string> = { h: "/", p: "/profiles", d: "/deliveries", s: "/settings" };
const LIST = [
  ["keys.palette", "Ctrl K"],
  ["keys.search", "/"],
  ["keys.help", "?"],
  ["keys.home", "G H"],
  ["keys.profiles", "G P"],
  ["keys.deliveries", "G D"],
  ["keys.settings", "G S"],
  ["keys.phone", "P"],
  ["keys.close", "Esc"],
] as const;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

/** Single letters outside text fields; a person can switch them off. */
export function useKeys({ togglePhone }: { togglePhone: () => void }) {
  const { t } = useTranslation();
  const me = useSession();
  const navigate = useNavigate();
  const [shown, setShown] = useState(false);
  const waiting = useRef(0);
  const on = me.member?.shortcuts ?? true;
  const toggle = useRef(togglePhone);
  toggle.current = togglePhone;
  useEffect(() => {
    if (!on) return;
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const key = event.key.toLowerCase();
      const after = Date.now() - waiting.current < 1200;
      waiting.current = 0;
      if (after && GO[key]) void navigate({ to: GO[key] });
      else if (key === "g") waiting.current = Date.now();
      else if (key === "?") setShown(true);
      else if (key === "p") toggle.current();
      else if (key === "/") {
        const field = document.querySelector<HTMLInputElement>("main input[type=search]");
        if (!field) return;
        event.preventDefault();
        field.focus();
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [on, navigate]);
  const dialog = (
    <Modal
      opened={shown}
      onClose={() => setShown(false)}
      title={<b>{t("keys.title")}</b>}
      closeButtonProps={{ "aria-label": t("ui.close") }}
    >
      {LIST.map(([key, keys]) => (
        <div key={key} className={c.keyRow}>
          <span>{t(key)}</span>
          <span>
            {keys.split(" ").map((one) => (
              <Kbd key={one} ml={4}>
                {one}
              </Kbd>
            ))}
          </span>
        </div>
      ))}
    </Modal>
  );
  return { dialog, show: () => setShown(true) };
}
