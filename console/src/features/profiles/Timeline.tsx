import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useMay, useWhere } from "@/features/session";
import { dayKey, dayName } from "@/lib/time";
import { useParam } from "@/lib/useParam";
import { Button, Card, CopyText, EmptyState, ErrorState, LoadingState, SegmentedControl } from "@/ui";
import { type MessageOut, type TimelineEntryOut, useMessages, useTimeline } from "./api";
import c from "./profiles.module.css";
import { type Entry, TimelineRow } from "./TimelineRow";

const KINDS = ["all", "message", "event", "consent"] as const;

const fits = (entry: Entry, kind: string): boolean =>
  kind === "message"
    ? entry.kind === "delivery" || entry.kind === "message"
    : kind === "consent"
      ? entry.kind === "consent" || entry.kind === "identity"
      : entry.kind === kind;

/** What people wrote, whole, beside the line that tells of it. */
function withMessages(entries: TimelineEntryOut[], messages: MessageOut[]): Entry[] {
  const whole = new Map(messages.map((message) => [message.id, message]));
  return entries.map((entry) => ({ ...entry, message: entry.kind === "message" ? whole.get(entry.id) : undefined }));
}

/** One stream of all that happened to and with a person; a message opens its decision. */
export function Timeline({ profileId }: { profileId: string }) {
  const { t } = useTranslation();
  const where = useWhere();
  const may = useMay();
  const [asked, setKind] = useParam("show");
  const kind = asked || "all";
  const list = useTimeline(profileId);
  const messages = useMessages(profileId, may("messages.read"));
  const entries = useMemo(
    () => withMessages(list.data?.pages.flatMap((page) => page.items) ?? [], messages.data ?? []),
    [list.data, messages.data],
  );
  const rows = kind === "all" ? entries : entries.filter((entry) => fits(entry, kind));
  let day = "";
  return (
    <Card
      title={t("timeline.title")}
      action={
        <SegmentedControl
          size="xs"
          aria-label={t("timeline.filter")}
          value={kind}
          onChange={(value) => setKind(value === "all" ? null : value)}
          data={KINDS.map((value) => ({ value, label: t(`timeline.kind.${value}`) }))}
        />
      }
    >
      {list.isPending && <LoadingState rows={7} />}
      {list.error && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && rows.length === 0 && (
        <EmptyState title={t("timeline.none")}>
          {t("timeline.noneText")}
          <CopyText
            block
            value={`curl -X POST ${location.origin}/v1/events -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"profile_id": "${profileId}", "name": "order_placed"}'`}
          />
        </EmptyState>
      )}
      <ol className={c.timeline}>
        {rows.map((entry) => {
          const key = dayKey(entry.at, where.zone);
          const head = key === day ? null : dayName(entry.at, where);
          day = key;
          return <TimelineRow key={`${entry.kind}-${entry.id}`} entry={entry} day={head} />;
        })}
      </ol>
      {list.hasNextPage && (
        <Button variant="default" size="xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t("ui.more")}
        </Button>
      )}
    </Card>
  );
}
