import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { get, patch, post } from "@/lib/http";

export type RetentionClass = {
  name: string;
  holds?: string;
  title?: string;
  days: number | null;
  default_days?: number | null;
  from?: string;
  can_change?: boolean;
  after?: string;
};
export type Retention = {
  classes: RetentionClass[];
  last_run?: {
    at?: string;
    ran_at?: string;
    finished_at?: string;
    deleted?: Record<string, number>;
    counts?: Record<string, number>;
  } | null;
};
export type Erasure = {
  id: string;
  state: "done" | "dry_run";
  erased_at: string;
  reason: string | null;
  counts: Record<string, { erased: number; kept: number }>;
  kept: { store: string; count: number; why: string }[];
  tombstones: number;
};
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

export const useRetention = () =>
  useQuery({ queryKey: ["retention"], queryFn: () => get<Retention>("/v1/retention"), retry: false });
export const usePreviewRetention = () =>
  useMutation({
    mutationFn: () => post<{ counts?: Record<string, number> } & Record<string, unknown>>("/v1/retention/preview"),
  });
export const useChangeRetention = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (periods: Record<string, number>) => patch<Retention>("/v1/retention", { periods }),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["retention"] }),
  });
};
export const useErasures = () =>
  useQuery({
    queryKey: ["erasures"],
    queryFn: () => get<{ items: Erasure[] }>("/v1/erasures", { limit: 50 }),
    select: (page) => page.items,
    retry: false,
  });
export const useEraseByAddress = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (asked: { identities: { scheme: string; value: string }[]; reason: string; dry_run: boolean }) =>
      post<Erasure>("/v1/erasures", asked),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["erasures"] }),
  });
};
