import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { AuditEntryOut, PageAuditEntryOut } from "@/api";
import { get } from "@/lib/http";

export type { AuditEntryOut };
export type Filters = { actor: string; action: string; object: string; from: string; until: string };
export const useAudit = (filters: Filters) =>
  useInfiniteQuery({
    queryKey: ["audit", filters],
    queryFn: ({ pageParam }) => get<PageAuditEntryOut>("/v1/audit", { ...filters, limit: 50, cursor: pageParam }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor || undefined,
  });
export type Chain = { is_intact?: boolean; intact?: boolean; entries?: number; checked?: number };
export const useChain = () =>
  useQuery({
    queryKey: ["audit", "verify"],
    queryFn: () => get<Chain>("/v1/audit/verify"),
    enabled: false,
    retry: false,
  });
