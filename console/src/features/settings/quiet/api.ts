import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { WorkspaceOut } from "@/api";
import { get, patch } from "@/lib/http";

export const useWorkspace = () =>
  useQuery({ queryKey: ["workspace"], queryFn: () => get<WorkspaceOut>("/v1/workspace") });
export const useChangeWorkspace = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (settings: Record<string, unknown>) => patch<WorkspaceOut>("/v1/workspace", { settings }),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["workspace"] });
      void cache.invalidateQueries({ queryKey: ["me"] });
    },
  });
};
