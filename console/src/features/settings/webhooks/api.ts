import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type {
  EndpointChange,
  EndpointOut,
  PageCountOut,
  PageSenderOut,
  PageWebhookBodyOut,
  SojournOutboundRoutesAttemptOut,
  TestOut,
  WithSecretOut,
} from "@/api";
import { get, patch, post, remove } from "@/lib/http";

export type Endpoint = EndpointOut;
export type WebhookAttempt = SojournOutboundRoutesAttemptOut;

export const EVENTS = [
  "message.received",
  "delivery.status_changed",
  "delivery.excluded",
  "consent.changed",
  "template.state_changed",
  "sender.state_changed",
  "journey.run_ended",
  "profile.erased",
] as const;

export const useSenderHooks = () =>
  useQuery({
    queryKey: ["senders"],
    queryFn: () => get<PageSenderOut>("/v1/senders"),
    select: (page) => page.items.filter((sender) => sender.webhook),
  });
export const useBodies = () =>
  useQuery({
    queryKey: ["webhook-bodies"],
    queryFn: () => get<PageWebhookBodyOut>("/v1/webhook-bodies", { limit: 20 }),
    select: (page) => page.items,
    refetchInterval: 10_000,
  });
export const useCounts = () =>
  useQuery({
    queryKey: ["webhook-counts"],
    queryFn: () => get<PageCountOut>("/v1/webhook-counts", { days: 7 }),
    select: (page) => page.items,
  });

const useTouched = <T, R>(act: (what: T) => Promise<R>, key: string) => {
  const cache = useQueryClient();
  return useMutation({ mutationFn: act, onSuccess: () => cache.invalidateQueries({ queryKey: [key] }) });
};

export const useReplayBodies = () =>
  useTouched(
    (digests: string[]) => post<{ replayed: number }>("/v1/webhook-bodies/replay", { digests }),
    "webhook-bodies",
  );

const KEY = "webhook-endpoints";
export const useEndpoints = () =>
  useQuery({
    queryKey: [KEY],
    queryFn: () => get<{ items: Endpoint[] }>("/v1/webhook-endpoints"),
    select: (page) => page.items,
    retry: false,
  });
export const useAttempts = (id: string) =>
  useQuery({
    queryKey: [KEY, id, "attempts"],
    queryFn: () => get<{ items: WebhookAttempt[] }>(`/v1/webhook-endpoints/${id}/attempts`, { limit: 50 }),
    select: (page) => page.items,
    refetchInterval: 5000,
  });
export const useCreateEndpoint = () =>
  useTouched(
    (made: { url: string; events: string[]; description: string }) =>
      post<WithSecretOut>("/v1/webhook-endpoints", made),
    KEY,
  );
export const useChangeEndpoint = (id: string) =>
  useTouched((change: EndpointChange) => patch<Endpoint>(`/v1/webhook-endpoints/${id}`, change), KEY);
export const useDeleteEndpoint = (id: string) => useTouched(() => remove<void>(`/v1/webhook-endpoints/${id}`), KEY);
export const useRotate = (id: string) =>
  useTouched(() => post<WithSecretOut>(`/v1/webhook-endpoints/${id}/rotate`), KEY);
export const useTest = (id: string) => useTouched(() => post<TestOut>(`/v1/webhook-endpoints/${id}/test`), KEY);
export const useReplay = (id: string) =>
  useTouched(
    (attempts: string[]) => post<unknown>(`/v1/webhook-endpoints/${id}/replay`, { attempt_ids: attempts }),
    KEY,
  );
