import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { FormOut, PageFormOut, PageLinkOut, WorkspaceOut } from "@/api";
import { get, patch, post } from "@/lib/http";

export type { FormOut };
export type LinkOut = PageLinkOut["items"][number];

export const useForms = () =>
  useQuery({
    queryKey: ["opt-in-forms"],
    queryFn: () => get<PageFormOut>("/v1/opt-in-forms", { limit: 100 }),
    select: (page) => page.items,
  });
export const useLinks = () =>
  useQuery({
    queryKey: ["opt-in-links"],
    queryFn: () => get<PageLinkOut>("/v1/opt-in-links", { limit: 100 }),
    select: (page) => page.items,
  });
export const useWorkspace = () =>
  useQuery({ queryKey: ["workspace"], queryFn: () => get<WorkspaceOut>("/v1/workspace") });

function useTouched<T, R>(act: (what: T) => Promise<R>, key: string) {
  const cache = useQueryClient();
  return useMutation({ mutationFn: act, onSuccess: () => cache.invalidateQueries({ queryKey: [key] }) });
}

export type FormWords = {
  slug: string;
  name: string;
  business_name: string;
  wordings: { language: string; text: string }[];
  topics: { key: string; labels: Record<string, string> }[];
  privacy_notice_url: string;
  double_opt_in: boolean | null;
};
export const useSaveForm = () =>
  useTouched((form: FormWords) => post<FormOut>("/v1/opt-in-forms", form), "opt-in-forms");
export const useCloseForm = () =>
  useTouched((slug: string) => post<void>(`/v1/opt-in-forms/${slug}/close`), "opt-in-forms");
export const useCreateLink = () =>
  useTouched(
    (link: { name: string; text: string; wording: string; language: string }) =>
      post<LinkOut>("/v1/opt-in-links", link),
    "opt-in-links",
  );
export const useChangeSettings = () =>
  useTouched((settings: Record<string, unknown>) => patch<WorkspaceOut>("/v1/workspace", { settings }), "workspace");
