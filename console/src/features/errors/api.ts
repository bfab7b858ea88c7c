import { useQuery } from "@tanstack/react-query";
import type { CatalogueOut, PageCatalogueOut } from "@/api";
import { get } from "@/lib/http";

export type { CatalogueOut };

export const useCatalogue = () =>
  useQuery({
    queryKey: ["error-catalogue"],
    queryFn: () => get<PageCatalogueOut>("/v1/error-catalogue"),
    select: (page) => page.items,
    staleTime: 3_600_000,
  });
