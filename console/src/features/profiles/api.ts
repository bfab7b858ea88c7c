import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type {
  DeliveryDetail,
  LineOut,
  MessageOut,
  PageMessageOut,
  PageProfileOut,
  PageTemplateOut,
  PageTimelineEntryOut,
  ProfileConsentsOut,
  ProfileOut,
  ScopeOut,
  TemplateOut,
  TimelineEntryOut,
  WhyOut,
} from "@/api";
import { get, patch, post } from "@/lib/http";

export type {
  DeliveryDetail,
  LineOut,
  MessageOut,
  PageProfileOut,
  ProfileConsentsOut,
  ProfileOut,
  ScopeOut,
  TemplateOut,
  TimelineEntryOut,
};

export type Why = WhyOut;
export type StoreCount = { erased: number; kept: number };
export type Erasure = {
  id: string;
  state: string;
  counts: Record<string, StoreCount | number>;
  kept: { store: string; count: number; why: string }[];
  tombstones?: number;
};

export const useProfiles = (q: string) =>
  useInfiniteQuery({
    queryKey: ["profiles", "list", q],
    queryFn: ({ pageParam, signal }) =>
      get<PageProfileOut>("/v1/profiles", { q, limit: 50, cursor: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor || undefined,
  });

export const useProfile = (id: string) =>
  useQuery({ queryKey: ["profiles", id], queryFn: () => get<ProfileOut>(`/v1/profiles/${id}`) });

export const useTimeline = (id: string) =>
  useInfiniteQuery({
    queryKey: ["profiles", id, "timeline"],
    queryFn: ({ pageParam }) =>
      get<PageTimelineEntryOut>(`/v1/profiles/${id}/timeline`, { limit: 50, cursor: pageParam }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor || undefined,
  });

export const useMessages = (id: string, enabled: boolean) =>
  useQuery({
    queryKey: ["profiles", id, "messages"],
    queryFn: () => get<PageMessageOut>("/v1/messages", { profile_id: id, limit: 100 }),
    select: (page) => page.items,
    enabled,
  });

export const useConsents = (id: string) =>
  useQuery({
    queryKey: ["profiles", id, "consents"],
    queryFn: () => get<ProfileConsentsOut>(`/v1/profiles/${id}/consents`),
  });

export const useTemplates = () =>
  useQuery({
    queryKey: ["templates", "all"],
    queryFn: () => get<PageTemplateOut>("/v1/templates", { limit: 200 }),
    select: (page) => page.items,
    staleTime: 60_000,
  });

const useTouch = (id: string) => {
  const cache = useQueryClient();
  return () => cache.invalidateQueries({ queryKey: ["profiles", id] });
};

export const useWriteConsent = (id: string) => {
  const touch = useTouch(id);
  return useMutation({
    mutationFn: (consent: Record<string, unknown>) =>
      post("/v1/consents", { consents: [{ profile_id: id, ...consent }] }),
    onSuccess: touch,
  });
};

export const useChangeAttributes = (id: string) => {
  const touch = useTouch(id);
  return useMutation({
    mutationFn: (attributes: Record<string, unknown>) => patch<ProfileOut>(`/v1/profiles/${id}`, { attributes }),
    onSuccess: touch,
  });
};

export const useSendTemplate = (id: string) => {
  const touch = useTouch(id);
  return useMutation({
    mutationFn: async ({ template, variables }: { template: TemplateOut; variables: Record<string, string> }) => {
      const filled = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
      const key = `console-${crypto.randomUUID?.() ?? Date.now()}`;
      const answer = await post<{ deliveries: { id: string }[] }>("/v1/deliveries", {
        deliveries: [
          { key, profile_id: id, purpose: template.purpose, template: { name: template.name, variables: filled } },
        ],
      });
      return answer.deliveries[0]?.id ?? null;
    },
    onSuccess: touch,
  });
};

export const useWhy = (id: string, asked: { template?: string; delivery_key?: string } | null) =>
  useQuery({
    queryKey: ["profiles", id, "why", asked],
    enabled: asked !== null,
    queryFn: () => get<Why>(`/v1/profiles/${id}/why`, asked ?? {}),
    retry: false,
  });

export const useErasurePreview = (id: string, opened: boolean) =>
  useQuery({
    queryKey: ["profiles", id, "erasure", "preview"],
    enabled: opened,
    queryFn: () => post<Erasure>(`/v1/profiles/${id}/erasure`, { dry_run: true }),
    staleTime: 0,
    retry: false,
  });

export const useErase = (id: string) =>
  useMutation({
    mutationFn: (reason: string) => post<Erasure>(`/v1/profiles/${id}/erasure`, { dry_run: false, reason }),
  });

export const useArchive = (id: string) =>
  useMutation({ mutationFn: () => post<{ id: string }>(`/v1/profiles/${id}/archive`) });

/** The grounds of an erasure; never free text, because the report outlives the person. */
export const GROUNDS = [
  "person_request",
  "consent_withdrawn",
  "no_longer_needed",
  "objection",
  "unlawful",
  "legal_obligation",
  "child",
  "test_data",
] as const;
