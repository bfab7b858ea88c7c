import { type ReactNode, type RefObject, useId } from "react";
import { useTranslation } from "react-i18next";
import { initials } from "@/lib/ids";
import { IconBattery3, IconWifi, IconWifiOff } from "@/ui";
import c from "./PhoneFrame.module.css";

type Props = {
  name: string;
  hint: string;
  clock: string;
  offline?: boolean;
  children: ReactNode;
  footer: ReactNode;
  menu?: ReactNode;
  wall?: RefObject<HTMLDivElement | null>;
};

/** A handset of our own: it never imitates an app. The header always says that it is simulated. */
export function PhoneFrame({ name, hint, clock, offline, children, footer, menu, wall }: Props) {
  const { t } = useTranslation();
  const title = useId();
  return (
    <div className={c.device}>
      <div className={c.screen}>
        <div className={c.status} aria-hidden="true">
          <span className="tnum">{clock}</span>
          <i className={c.cam} />
          <span>
            {offline ? <IconWifiOff size={14} /> : <IconWifi size={14} />}
            <IconBattery3 size={16} />
          </span>
        </div>
        <div className={c.bar}>
          <span className={c.av} aria-hidden="true">
            {initials(name)}
          </span>
          <div>
            <b id={title}>{name}</b>
            <small>{offline ? t("phone.waiting") : hint}</small>
          </div>
          {menu}
        </div>
        <div
          className={`${c.wall} scroll`}
          role="log"
          aria-label={t("phone.log")}
          aria-live="polite"
          tabIndex={0}
          ref={wall}
        >
          {children}
        </div>
        {footer}
        <div className={c.home} />
      </div>
    </div>
  );
}
