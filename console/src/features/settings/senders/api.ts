import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { AllowList, Brake, PageSenderOut, SenderOut } from "@/api";
import { get, patch, post, put } from "@/lib/http";

export type { SenderOut };
export type History = {
  id: string;
  what: string;
  old_value: string | null;
  new_value: string | null;
  reason: string | null;
  source: string;
  at: string;
};

export const useSenders = () =>
  useQuery({ queryKey: ["senders"], queryFn: () => get<PageSenderOut>("/v1/senders"), select: (page) => page.items });
export const useSender = (id: string) =>
  useQuery({
    queryKey: ["senders", id],
    queryFn: () => get<SenderOut>(`/v1/senders/${id}`),
    enabled: id !== "",
    refetchInterval: 4000,
  });
export const useHistory = (id: string) =>
  useQuery({
    queryKey: ["senders", id, "history"],
    queryFn: () => get<{ items: History[] }>(`/v1/senders/${id}/history`, { limit: 30 }),
    select: (page) => page.items,
  });

const useTouched = <T, R>(act: (what: T) => Promise<R>) => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["senders"] });
      void cache.invalidateQueries({ queryKey: ["me"] });
      void cache.invalidateQueries({ queryKey: ["switches"] });
    },
  });
};

export const useCreateSender = () =>
  useTouched((sender: Record<string, unknown>) => post<SenderOut>("/v1/senders", sender));
export const useChangeSender = (id: string) =>
  useTouched((change: Record<string, unknown>) => patch<SenderOut>(`/v1/senders/${id}`, change));
export const useCheckSender = (id: string) => useTouched(() => post<SenderOut>(`/v1/senders/${id}/check`));
export const useSubscribe = (id: string) => useTouched(() => post<SenderOut>(`/v1/senders/${id}/webhook`));
export const useRegister = (id: string) =>
  useTouched((pin: string) => post<SenderOut>(`/v1/senders/${id}/register`, { pin }));
export const useStopSender = (id: string) =>
  useTouched((reason: string) => post<SenderOut>(`/v1/senders/${id}/stop`, { reason }));

export const useBrake = () => useQuery({ queryKey: ["switches", "brake"], queryFn: () => get<Brake>("/v1/brake") });
export const useSetBrake = () => useTouched((on: boolean) => put<Brake>("/v1/brake", { on }));
export const useAllowList = () =>
  useQuery({ queryKey: ["switches", "allow"], queryFn: () => get<AllowList>("/v1/allow-list"), retry: false });
export const useSetAllowList = () => useTouched((list: AllowList) => put<AllowList>("/v1/allow-list", list));

/** The last step: a plain text to a number that wrote to us, through the whole road out. */
export const useTestMessage = (senderId: string) =>
  useMutation({
    mutationFn: async ({ phone, text }: { phone: string; text: string }) => {
      const answer = await post<{ deliveries: { id: string; status: string; reason: string | null }[] }>(
        "/v1/deliveries",
        {
          deliveries: [
            {
              key: `test-${crypto.randomUUID?.() ?? Date.now()}`,
              identities: [{ scheme: "phone", value: phone }],
              purpose: "service",
              sender_id: senderId,
              content: { type: "text", body: text },
            },
          ],
        },
      );
      return answer.deliveries[0] ?? null;
    },
  });
