import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type ListRow, type MessageButton, PhoneFrame } from "@/features/messages";
import { type SenderFact, useWhere } from "@/features/session";
import { clockTime, dayKey, dayName } from "@/lib/time";
import { EmptyState, ErrorState } from "@/ui";
import { type ChatMessage, useAct, useChat } from "./api";
import { Bubble } from "./Bubble";
import { Composer } from "./Composer";
import { LinkCard } from "./LinkCard";
import { PersonMenu } from "./PersonMenu";
import c from "./phone.module.css";

type Props = {
  sender: SenderFact;
  name: string;
  number: string | null;
  waId: string;
  now: string | null;
  onGlass: (wamid: string) => void;
};

export function Screen({ sender, name, number, waId, now, onGlass }: Props) {
  const { t } = useTranslation();
  const where = useWhere();
  const chat = useChat(sender.id, waId, number);
  const act = useAct(sender.id, waId, number);
  const wall = useRef<HTMLDivElement>(null);
  const [quoted, setQuoted] = useState<ChatMessage | null>(null);
  const [link, setLink] = useState<{ button: MessageButton; message: ChatMessage } | null>(null);
  const messages = chat.data?.messages ?? [];
  const shown = messages.filter((message) => message.type !== "reaction");
  const last = messages.at(-1)?.id;
  useEffect(() => {
    if (last && wall.current) wall.current.scrollTop = wall.current.scrollHeight;
  }, [last]);
  const person = chat.data?.person;
  const byId = new Map(messages.map((message) => [message.id, message]));
  const reactions = reactionsOf(messages);
  const tap = (message: ChatMessage) => (button: MessageButton) => {
    if (button.kind === "url") setLink({ button, message });
    else if (button.kind === "copy") void navigator.clipboard?.writeText(button.code ?? button.text);
    else if (button.kind !== "phone") act.mutate({ action: "tap", index: button.index, message_id: message.id });
  };
  const choose = (message: ChatMessage) => (row: ListRow) =>
    act.mutate({ action: "list", row: row.id, message_id: message.id });
  let day = "";
  return (
    <div className={c.frame}>
      <PhoneFrame
        name={name}
        hint={t("phone.header")}
        clock={now ? clockTime(now, where) : "--:--"}
        offline={person?.online === false}
        wall={wall}
        menu={<PersonMenu person={person ?? null} number={number} act={act.mutate} />}
        footer={<Composer act={act.mutate} quoted={quoted} onQuote={setQuoted} disabled={!waId} />}
      >
        {chat.error && !messages.length && waId && <QuietStart error={chat.error} />}
        {!chat.error && chat.isSuccess && shown.length === 0 && (
          <EmptyState title={t("phone.empty")}>{t("phone.emptyText")}</EmptyState>
        )}
        {shown.map((message) => {
          const key = dayKey(message.at, where.zone);
          const head = key === day ? null : <div className={c.day}>{dayName(message.at, where)}</div>;
          day = key;
          return (
            <div key={message.id} className={c.entry}>
              {head}
              <Bubble
                message={message}
                quoted={message.context_id ? byId.get(message.context_id)?.text : undefined}
                reaction={reactions.get(message.id)}
                onButton={tap(message)}
                onRow={choose(message)}
                onReact={(emoji) => act.mutate({ action: "reaction", emoji, message_id: message.id })}
                onQuote={() => setQuoted(message)}
                onGlass={() => onGlass(message.id)}
              />
            </div>
          );
        })}
        {act.error && <ErrorState error={act.error} />}
      </PhoneFrame>
      {link && (
        <LinkCard
          url={link.button.url ?? ""}
          onOpen={() => act.mutate({ action: "tap", index: link.button.index, message_id: link.message.id })}
          onClose={() => setLink(null)}
        />
      )}
    </div>
  );
}

/** A person who was never written to has no chat yet: that is an empty phone, not a mistake. */
function QuietStart({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const unknown = (error as { status?: number }).status === 404;
  return unknown ? (
    <EmptyState title={t("phone.empty")}>{t("phone.emptyText")}</EmptyState>
  ) : (
    <ErrorState error={error} />
  );
}

function reactionsOf(messages: ChatMessage[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const message of messages) {
    if (message.type !== "reaction") continue;
    const reaction = message.reaction as { message_id?: string; emoji?: string } | undefined;
    if (reaction?.message_id) found.set(reaction.message_id, reaction.emoji ?? "");
  }
  return found;
}
