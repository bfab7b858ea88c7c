import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { DecisionOut, DeliveryDetail, DeliveryRow, PageDeliveryRow, PageTemplateOut, Status } from "@/api";
import { get, post } from "@/lib/http";

export type { DecisionOut, DeliveryDetail, DeliveryRow, Status };
export type Filters = { status?: string; reason?: string; template?: string; profile_id?: string };

export const useDeliveries = (filters: Filters, limit = 25) =>
  useInfiniteQuery({
    queryKey: ["deliveries", "list", filters, limit],
    queryFn: ({ pageParam, signal }) =>
      get<PageDeliveryRow>("/v1/deliveries", { ...filters, limit, cursor: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor || undefined,
  });

export const useDelivery = (id: string) =>
  useQuery({ queryKey: ["deliveries", id], queryFn: () => get<DeliveryDetail>(`/v1/deliveries/${id}`) });

export const useTemplateShape = (name: string | null, language: string | null) =>
  useQuery({
    queryKey: ["templates", name],
    enabled: name !== null,
    queryFn: () => get<PageTemplateOut>("/v1/templates", { name, limit: 1 }),
    staleTime: 300_000,
    select: (page) => {
      const variants = page.items[0]?.variants ?? [];
      return (variants.find((variant) => variant.language === language) ?? variants[0])?.components ?? [];
    },
  });

export const useResend = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => post<{ id: string }>(`/v1/deliveries/${id}/resend`),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["deliveries"] }),
  });
};

export const useCancel = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => post<unknown>("/v1/deliveries/cancel", { delivery_ids: [id] }),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["deliveries"] }),
  });
};
