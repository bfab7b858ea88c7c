import { useTranslation } from "react-i18next";
import { useSession } from "@/features/session";
import { IconDeviceMobileMessage, IconWifi, IconWifiOff, Link } from "@/ui";
import c from "./app.module.css";

/** The one standing fact: whether something can leave this server. */
export function ChannelFact({ mini }: { mini: boolean }) {
  const { t } = useTranslation();
  const { senders } = useSession();
  const live = senders.find((sender) => !sender.simulated);
  const kind = live ? "live" : senders.length > 0 ? "simulated" : "none";
  const words = {
    live: {
      title: t("shell.live", { number: live?.phone_number ?? live?.name }),
      hint: live?.quality ? t("shell.quality", { quality: live.quality.toLowerCase() }) : live?.name,
      icon: IconWifi,
    },
    simulated: { title: t("shell.simulated"), hint: t("shell.simulatedHint"), icon: IconDeviceMobileMessage },
    none: { title: t("shell.noSender"), hint: t("shell.noSenderHint"), icon: IconWifiOff },
  }[kind];
  const Icon = words.icon;
  return (
    <Link to="/settings/senders" className={c.fact} {...(mini && { "aria-label": words.title })}>
      <i data-kind={kind} className={c.factMark} aria-hidden="true" />
      <Icon size={18} aria-hidden="true" />
      {!mini && (
        <div>
          <b>{words.title}</b>
          <small>{words.hint}</small>
        </div>
      )}
    </Link>
  );
}
