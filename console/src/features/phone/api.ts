import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { DeliveryDetail, DeliveryRow, HealthOut, PageDeliveryRow, PageProfileOut, SenderOut } from "@/api";
import { setClockOffset } from "@/features/session";
import { get, post } from "@/lib/http";

export type Person = {
  wa_id: string;
  name: string;
  receipts: boolean;
  online: boolean;
  has_blocked: string[];
  stopped_marketing: string[];
  fail_with: number | null;
};

export type ChatMessage = Record<string, unknown> & {
  id: string;
  direction: "in" | "out";
  type: string;
  at: string;
  status: string;
  text?: string;
  context_id: string | null;
  template: string | null;
  error?: unknown;
};

export type Chat = {
  person: Person;
  phone_number_id: string;
  window_open: boolean;
  window_until: number | null;
  messages: ChatMessage[];
};
export type SimInfo = { now: string; quiet: boolean; next_due_at: string | null; offset_seconds: number };
export type Action = Record<string, unknown> & { action: string };

const way = (sender: string, path: string) => `/v1/simulator/${sender}/${path}`;

export const useSender = (sender: string) =>
  useQuery({
    queryKey: ["senders", sender],
    queryFn: () => get<SenderOut>(`/v1/senders/${sender}`),
    staleTime: 60_000,
  });

export const usePeople = (sender: string) =>
  useQuery({
    queryKey: ["phone", sender, "people"],
    queryFn: () => get<{ people: Person[] }>(way(sender, "people"), { listed: 1, limit: 200 }),
    select: (answer) => answer.people,
    retry: false,
  });

export const useChat = (sender: string, waId: string, number: string | null) =>
  useQuery({
    queryKey: ["phone", sender, "chat", waId],
    queryFn: () => get<Chat>(way(sender, `people/${waId}/chat`), { phone_number_id: number, limit: 100 }),
    refetchInterval: 2000,
    enabled: waId !== "",
    retry: false,
  });

export const useSimInfo = (sender: string) => {
  const info = useQuery({
    queryKey: ["phone", sender, "info"],
    queryFn: () => get<SimInfo>(way(sender, "info")),
    refetchInterval: 10_000,
    retry: false,
  });
  const now = info.data?.now;
  useEffect(() => {
    if (now) setClockOffset(new Date(now).getTime() - Date.now());
  }, [now]);
  return info;
};

function useRefreshed<T>(sender: string, act: (what: T) => Promise<unknown>) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: ["phone", sender] });
      setTimeout(() => void cache.invalidateQueries({ queryKey: ["phone", sender] }), 700);
    },
  });
}

export const useAct = (sender: string, waId: string, number: string | null) =>
  useRefreshed(sender, (action: Action) =>
    post(way(sender, `people/${waId}/actions`), { ...(number && { phone_number_id: number }), ...action }),
  );

export const useChangePerson = (sender: string) =>
  useRefreshed(sender, (person: Partial<Person> & { wa_id: string; behaviour?: unknown }) =>
    post(way(sender, "people"), person),
  );

export const useFailNext = (sender: string) =>
  useRefreshed(sender, (fail: { waId: string; code: number }) =>
    post(way(sender, "scenarios"), {
      kind: "error",
      match: { endpoint: "messages", recipient: `+${fail.waId}` },
      code: fail.code,
      count: 1,
    }),
  );

export const useStartOver = (sender: string) =>
  useRefreshed(sender, async (people: Person[]) => {
    await post(way(sender, "reset"), { keep_setup: true });
    if (people.length)
      await post(way(sender, "people"), { people: people.map(({ wa_id, name }) => ({ wa_id, name })) });
  });

export const useClock = (sender: string) =>
  useRefreshed(sender, async (move: { seconds: number } | "next") => {
    if (move !== "next") return post(way(sender, "clock"), { advance_seconds: move.seconds });
    const [info, health] = await Promise.all([
      get<SimInfo>(way(sender, "info")),
      get<HealthOut>("/v1/health").catch(() => null),
    ]);
    const now = new Date(info.now).getTime();
    const due = [info.next_due_at, health?.next_due_at]
      .filter((at) => typeof at === "string")
      .map((at) => new Date(at).getTime())
      .filter((at) => at > now);
    const to = due.length ? Math.min(...due) + 1000 : now + 3_600_000;
    return post(way(sender, "clock"), { advance_seconds: Math.ceil((to - now) / 1000) });
  });

export const useRawMessage = (sender: string, wamid: string) =>
  useQuery({
    queryKey: ["phone", sender, "message", wamid],
    queryFn: () => get<Record<string, unknown>>(way(sender, `messages/${wamid}`)),
  });

export const useProfileOf = (waId: string) =>
  useQuery({
    queryKey: ["profiles", "of", waId],
    queryFn: () => get<PageProfileOut>("/v1/profiles", { phone: `+${waId}` }),
    select: (page) => page.items[0]?.id ?? null,
    staleTime: 30_000,
  });

/** The delivery behind a message of the phone: the one whose attempt got this id from the channel. */
export const useDeliveryOf = (profileId: string | null, wamid: string) =>
  useQuery({
    queryKey: ["deliveries", "of", profileId, wamid],
    enabled: profileId !== null,
    queryFn: async () => {
      const page = await get<PageDeliveryRow>("/v1/deliveries", { profile_id: profileId, limit: 12 });
      for (const row of page.items as DeliveryRow[]) {
        const detail = await get<DeliveryDetail>(`/v1/deliveries/${row.id}`);
        if (detail.attempts.some((attempt) => attempt.provider_message_id === wamid)) return detail;
      }
      return null;
    },
  });
