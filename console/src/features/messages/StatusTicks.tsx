import { useTranslation } from "react-i18next";
import { IconAlertCircle, IconCheck, IconChecks, IconClock } from "@/ui";
import c from "./MessageCard.module.css";
import type { MessageStatus } from "./model";

const ICON = {
  queued: IconClock,
  accepted: IconClock,
  sent: IconCheck,
  delivered: IconChecks,
  read: IconChecks,
  failed: IconAlertCircle,
} satisfies Record<MessageStatus, unknown>;

export function StatusTicks({ status }: { status: MessageStatus }) {
  const { t } = useTranslation();
  const Icon = ICON[status];
  return (
    <span className={c.ticks} data-status={status} role="img" aria-label={t(`delivery.status.${status}`)}>
      <Icon size={15} stroke={2} aria-hidden="true" />
    </span>
  );
}
