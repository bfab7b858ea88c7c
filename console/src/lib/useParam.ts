import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

/** One search parameter as state: every filter is a link. */
export function useParam(name: string): [string, (value: string | null) => void] {
  const search = useSearch({ strict: false }) as Record<string, string | undefined>;
  const navigate = useNavigate();
  const set = useCallback(
    (value: string | null) => {
      void navigate({
        to: ".",
        search: ((before: Record<string, string | undefined>) => ({ ...before, [name]: value || undefined })) as never,
        replace: true,
      });
    },
    [navigate, name],
  );
  return [search[name] ?? "", set];
}
