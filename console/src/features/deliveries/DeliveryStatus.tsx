import { useTranslation } from "react-i18next";
import { Badge, type Tone } from "@/ui";
import type { Status } from "./api";

const TONE: Record<Status, Tone> = {
  queued: "muted",
  deferred: "warn",
  excluded: "warn",
  cancelled: "muted",
  expired: "muted",
  unknown: "warn",
  accepted: "info",
  held: "info",
  sent: "info",
  failed: "danger",
  delivered: "good",
  read: "brand",
  played: "brand",
};

export const STATUSES = Object.keys(TONE) as Status[];

const isStatus = (text: string): text is Status => text in TONE;

export function DeliveryStatus({ status }: { status: string }) {
  const { t } = useTranslation();
  return (
    <Badge tone={isStatus(status) ? TONE[status] : "muted"}>
      {t(`delivery.status.${status}`, { defaultValue: status })}
    </Badge>
  );
}
