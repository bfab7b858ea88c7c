import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { DecisionTrace, DeliveryStatus } from "@/features/deliveries";
import { fromContent, fromStored, MessageCard } from "@/features/messages";
import { useWhere } from "@/features/session";
import { titleCase } from "@/lib/ids";
import { clockTime } from "@/lib/time";
import {
  CopyText,
  ErrorState,
  type Icon,
  IconBolt,
  IconChevronDown,
  IconMessage,
  IconSend2,
  IconShieldCheck,
  IconShieldOff,
  IconUser,
  Link,
  LoadingState,
} from "@/ui";
import type { MessageOut, TimelineEntryOut } from "./api";
import { useDeliveryDetail, useTemplateComponents } from "./delivery";
import c from "./profiles.module.css";

export type Entry = TimelineEntryOut & { message?: MessageOut | undefined };

const word = (value: unknown): string => (typeof value === "string" ? value : "");

export function TimelineRow({ entry, day }: { entry: Entry; day: string | null }) {
  const where = useWhere();
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const [icon, title, more] = describe(entry, t);
  const RowIcon = icon;
  const toggle =
    entry.kind === "delivery" ||
    (entry.kind === "event" && Object.keys((entry.data?.properties as object) ?? {}).length > 0);
  return (
    <>
      {day && <li className={c.dayHead}>{day}</li>}
      <li className={c.row} data-kind={entry.kind}>
        <span className={c.mark} aria-hidden="true">
          <RowIcon size={15} stroke={1.8} />
        </span>
        <div className={c.rowBody}>
          <div className={c.rowHead}>
            {toggle ? (
              <button type="button" className={c.rowTitle} aria-expanded={open} onClick={() => setOpen(!open)}>
                {title}
                <IconChevronDown size={15} className={open ? c.turned : undefined} aria-hidden="true" />
              </button>
            ) : (
              <span className={c.rowTitle}>{title}</span>
            )}
            {entry.kind === "delivery" && <DeliveryStatus status={entry.title ?? ""} />}
            <time dateTime={entry.at} className="tnum">
              {clockTime(entry.at, where)}
            </time>
          </div>
          {more && <div className={c.hint}>{more}</div>}
          {entry.kind === "message" && (
            <div className={c.said}>
              <MessageCard body={saidBy(entry)} mine={false} />
            </div>
          )}
          {open && entry.kind === "delivery" && <DeliveryInside id={entry.id} />}
          {open && entry.kind === "event" && <CopyText block value={JSON.stringify(entry.data?.properties, null, 2)} />}
        </div>
      </li>
    </>
  );
}

const saidBy = ({ message, title, data }: Entry) =>
  message ? fromStored(message.kind, message.text, message.data) : fromStored(title, word(data.text) || null, {});

type T = ReturnType<typeof useTranslation>["t"];

function describe(entry: Entry, t: T): [Icon, ReactNode, ReactNode] {
  const data = entry.data ?? {};
  if (entry.kind === "message") return [IconMessage, t("timeline.wrote"), null];
  if (entry.kind === "delivery") {
    const reason = word(data.reason);
    const purpose = t(`purpose.${word(data.purpose)}`, { defaultValue: word(data.purpose) });
    return [
      IconSend2,
      t("timeline.delivery", { purpose }),
      reason
        ? t(`reason.${reason}`, { defaultValue: reason })
        : t(`delivery.owner.${word(data.owner_kind)}`, { defaultValue: word(data.owner_kind) }),
    ];
  }
  if (entry.kind === "consent") {
    const purpose = t(`purpose.${word(data.purpose)}`, { defaultValue: word(data.purpose) });
    const topic = word(data.topic);
    const title = t(`timeline.consent.${entry.title}`, {
      purpose: topic ? `${purpose}, ${topic}` : purpose,
      defaultValue: entry.title,
    });
    return [
      entry.title === "granted" ? IconShieldCheck : IconShieldOff,
      title,
      t(`source.${word(data.source)}`, { defaultValue: word(data.source) }),
    ];
  }
  if (entry.kind === "identity")
    return [
      IconUser,
      t(`timeline.identity.${entry.title}`, { defaultValue: titleCase(entry.title ?? "") }),
      word(data.scheme) && t(`scheme.${word(data.scheme)}`),
    ];
  return [
    IconBolt,
    <code key="name" className="mono">
      {entry.title}
    </code>,
    null,
  ];
}

function DeliveryInside({ id }: { id: string }) {
  const { t } = useTranslation();
  const delivery = useDeliveryDetail(id);
  const shape = useTemplateComponents(delivery.data?.template ?? null, delivery.data?.language ?? null);
  if (delivery.isPending) return <LoadingState rows={3} />;
  if (delivery.error) return <ErrorState error={delivery.error} onRetry={() => void delivery.refetch()} />;
  const row = delivery.data;
  return (
    <div className={c.inside}>
      {(row.body || row.content) && (
        <div className={c.preview}>
          <MessageCard body={fromContent(row.content, row.body, shape)} mine />
        </div>
      )}
      {row.decision ? <DecisionTrace decision={row.decision} /> : <p className={c.hint}>{t("delivery.undecided")}</p>}
      <p>
        <Link to={`/deliveries/${id}`}>{t("delivery.open")}</Link>
      </p>
    </div>
  );
}
