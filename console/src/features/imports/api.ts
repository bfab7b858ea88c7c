import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ImportOut, PageImportOut } from "@/api";
import { get, upload } from "@/lib/http";

export type { ImportOut };
export type Asked = { file: File; mapping: Record<string, string>; dryRun: boolean };

export const useImports = () =>
  useQuery({
    queryKey: ["imports"],
    queryFn: () => get<PageImportOut>("/v1/imports", { limit: 10 }),
    select: (page) => page.items,
  });

export const useImport = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ file, mapping, dryRun }: Asked) => {
      const form = new FormData();
      form.set("file", file);
      form.set("mapping", JSON.stringify(mapping));
      form.set("dry_run", String(dryRun));
      return upload<ImportOut>("/v1/imports", form);
    },
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["imports"] });
      void cache.invalidateQueries({ queryKey: ["profiles", "list"] });
    },
  });
};
