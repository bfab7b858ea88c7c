import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ApiKeyOut, NewApiKeyOut, PageApiKeyOut } from "@/api";
import { get, post, remove } from "@/lib/http";

export type { ApiKeyOut };

const KEY = ["api-keys"];
export const useApiKeys = () =>
  useQuery({
    queryKey: KEY,
    queryFn: () => get<PageApiKeyOut>("/v1/api-keys", { limit: 100 }),
    select: (page) => page.items,
  });
export const useCreateKey = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (key: { name: string; kind: string; scopes: string[] }) => post<NewApiKeyOut>("/v1/api-keys", key),
    onSuccess: () => cache.invalidateQueries({ queryKey: KEY }),
  });
};
export const useRevokeKey = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => remove<ApiKeyOut>(`/v1/api-keys/${id}`),
    onSuccess: () => cache.invalidateQueries({ queryKey: KEY }),
  });
};
