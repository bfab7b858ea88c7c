import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type SenderFact, useLive } from "@/features/session";
import { ErrorState, LoadingState } from "@/ui";
import { useSender, useSimInfo } from "./api";
import { BehindGlass } from "./BehindGlass";
import { Controls } from "./Controls";
import { PlayAs } from "./PlayAs";
import c from "./phone.module.css";
import { Screen } from "./Screen";
import { usePlayer } from "./usePlayer";

/** The phone with what surrounds it: who is played above, the switches below, what happens inside beside it. */
export function Phone({ sender, wide }: { sender: SenderFact; wide?: boolean }) {
  const { t } = useTranslation();
  const { waId, play, people } = usePlayer(sender.id);
  const facts = useSender(sender.id);
  const info = useSimInfo(sender.id);
  const [glass, setGlass] = useState<string | null>(null);
  useLive([`phone:${sender.id}`], [["phone", sender.id]]);
  if (people.isPending) return <LoadingState rows={8} />;
  if (people.error) {
    return (
      <div className={c.trouble}>
        <ErrorState error={people.error} onRetry={() => void people.refetch()} />
        <p className={c.hint}>{t("phone.startHint")}</p>
      </div>
    );
  }
  const number = facts.data?.phone_number_id ?? null;
  return (
    <div className={c.phone} data-wide={wide || undefined}>
      <div className={c.column}>
        <PlayAs sender={sender.id} people={people.data} waId={waId} play={play} />
        <Screen
          key={waId}
          sender={sender}
          name={facts.data?.verified_name ?? sender.name}
          number={number}
          waId={waId}
          now={info.data?.now ?? null}
          onGlass={setGlass}
        />
        <Controls sender={sender.id} waId={waId} number={number} people={people.data} />
      </div>
      {glass && <BehindGlass sender={sender.id} waId={waId} wamid={glass} onClose={() => setGlass(null)} />}
    </div>
  );
}
