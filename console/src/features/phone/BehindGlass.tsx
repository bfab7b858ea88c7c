import { useTranslation } from "react-i18next";
import { DecisionTrace } from "@/features/deliveries";
import { Moment } from "@/features/session";
import { ActionIcon, CopyText, Fact, Facts, IconX, Link, LoadingState } from "@/ui";
import { useDeliveryOf, useProfileOf, useRawMessage } from "./api";
import c from "./phone.module.css";

type Props = { sender: string; waId: string; wamid: string; onClose: () => void };

/** What a developer wants to see of one message: the request as sent, the reports, the decision. */
export function BehindGlass({ sender, waId, wamid, onClose }: Props) {
  const { t } = useTranslation();
  const raw = useRawMessage(sender, wamid);
  const profile = useProfileOf(waId);
  const delivery = useDeliveryOf(profile.data ?? null, wamid);
  const statuses = Object.entries((raw.data?.statuses ?? {}) as Record<string, string>);
  return (
    <section className={c.glass} aria-label={t("phone.glass")}>
      <div className={c.glassHead}>
        <h3>{t("phone.glass")}</h3>
        <ActionIcon variant="subtle" color="gray" onClick={onClose} aria-label={t("ui.close")}>
          <IconX size={17} />
        </ActionIcon>
      </div>
      {raw.isPending && <LoadingState rows={4} />}
      {statuses.length > 0 && (
        <Facts>
          {statuses.map(([status, at]) => (
            <Fact key={status} label={t(`delivery.status.${status}`, { defaultValue: status })}>
              <Moment at={at} exact />
            </Fact>
          ))}
        </Facts>
      )}
      {delivery.data?.decision && (
        <>
          <h4>{t("delivery.decision")}</h4>
          <DecisionTrace decision={delivery.data.decision} />
          <p>
            <Link to={`/deliveries/${delivery.data.id}`}>{t("delivery.open")}</Link>
          </p>
        </>
      )}
      {profile.data && (
        <p>
          <Link to={`/profiles/${profile.data}`}>{t("phone.openProfile")}</Link>
        </p>
      )}
      <h4>{t("phone.request")}</h4>
      {raw.data && <CopyText block value={JSON.stringify(raw.data.body ?? raw.data, null, 2)} />}
    </section>
  );
}
