import { useTranslation } from "react-i18next";
import { useSession } from "@/features/session";
import { ActionIcon, Button, IconDeviceMobileMessage, IconExternalLink, Tooltip } from "@/ui";
import { Phone } from "./Phone";
import c from "./phone.module.css";

export function PhoneDock({ onHide }: { onHide: () => void }) {
  const { t } = useTranslation();
  const { senders } = useSession();
  const sender = senders.find((one) => one.simulated);
  if (!sender) return null;
  return (
    <div className={c.dock}>
      <div className={c.dockHead}>
        <IconDeviceMobileMessage size={20} aria-hidden="true" />
        <div>
          <h2>{t("phone.title")}</h2>
          <p>{t("phone.lead")}</p>
        </div>
        <Tooltip label={t("phone.own")}>
          <ActionIcon
            component="a"
            href="/phone"
            target="sojourn-phone"
            variant="subtle"
            color="gray"
            aria-label={t("phone.own")}
          >
            <IconExternalLink size={17} />
          </ActionIcon>
        </Tooltip>
        <Button variant="subtle" color="gray" size="compact-sm" onClick={onHide}>
          {t("phone.hide")}
        </Button>
      </div>
      <Phone sender={sender} />
    </div>
  );
}
