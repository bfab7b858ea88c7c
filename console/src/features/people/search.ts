import { useQuery } from "@tanstack/react-query";
import { get } from "@/lib/http";
import type { PageProfileOut } from "./api";

type Found = { id: string; name: string; line: string };
const NONE: Found[] = [];

/** People by name or number, for the palette; nothing is asked before two characters. The names come with their chunk. */
export function useFindPeople(query: string): Found[] {
  const q = query.trim();
  const found = useQuery({
    queryKey: ["profiles", "find", q],
    enabled: q.length > 1,
    queryFn: async ({ signal }) => {
      const [page, names] = await Promise.all([
        get<PageProfileOut>("/v1/profiles", { q, limit: 6 }, signal),
        import("./names"),
      ]);
      return page.items.map((profile) => ({
        id: profile.id,
        name: names.nameOf(profile),
        line: names.addressLine(profile),
      }));
    },
    staleTime: 30_000,
    retry: false,
  });
  return found.data ?? NONE;
}
