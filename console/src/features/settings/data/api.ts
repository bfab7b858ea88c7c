import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ErasureOut, RetentionOut, SojournPrivacyRetentionRoutesPreviewOut } from "@/api";
import { get, patch, post } from "@/lib/http";

export type Erasure = ErasureOut;
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
  useQuery({ queryKey: ["retention"], queryFn: () => get<RetentionOut>("/v1/retention"), retry: false });
export const usePreviewRetention = () =>
  useMutation({
    mutationFn: () => post<SojournPrivacyRetentionRoutesPreviewOut>("/v1/retention/preview", {}),
  });
export const useChangeRetention = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (periods: Record<string, number>) => patch<RetentionOut>("/v1/retention", { periods }),
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
