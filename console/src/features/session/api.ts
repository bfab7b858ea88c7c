import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { get, patch, post, remove, setCsrfToken } from "@/lib/http";

export type SenderFact = {
  id: string;
  name: string;
  phone_number: string | null;
  state: string;
  simulated: boolean;
  quality: string | null;
};

export type Me = {
  member: {
    id: string;
    name: string;
    email: string;
    language: string | null;
    theme: string | null;
    roles: string[];
    shortcuts?: boolean;
  } | null;
  key: { id: string; name: string } | null;
  rights: string[];
  workspace: {
    id: string;
    name: string;
    timezone: string;
    currency: string | null;
    default_language: string;
    default_country: string;
    brake: boolean;
    allow_list_on: boolean;
  };
  workspaces?: { id: string; name: string }[];
  senders: SenderFact[];
  csrf_token: string | null;
  limits: Record<string, number>;
  version: string;
};

export type LinkFacts = {
  kind: "invitation" | "reset";
  email: string;
  name: string | null;
  workspace: string;
  expires_at: string;
  asks_for_own_password?: boolean;
};

const ME = ["me"] as const;

const remember = (me: Me): Me => {
  setCsrfToken(me.csrf_token);
  return me;
};

export const useMe = () =>
  useQuery({
    queryKey: ME,
    queryFn: async ({ signal }) => remember(await get<Me>("/v1/me", undefined, signal)),
    staleTime: 60_000,
    retry: false,
  });

function useSignedIn() {
  const cache = useQueryClient();
  return (me: Me) => {
    cache.removeQueries({ predicate: (query) => query.queryKey[0] !== ME[0] });
    cache.setQueryData(ME, remember(me));
  };
}

export const useSignIn = () => {
  const signedIn = useSignedIn();
  return useMutation({
    mutationFn: (credentials: { email: string; password: string }) => post<Me>("/v1/session", credentials),
    onSuccess: signedIn,
  });
};

export const useSignOut = () =>
  useMutation({
    mutationFn: () => remove<void>("/v1/session"),
    onSettled: () => {
      setCsrfToken(null);
      location.assign("/");
    },
  });

export const useSwitchWorkspace = () =>
  useMutation({
    mutationFn: (workspaceId: string) => post<Me>("/v1/session/workspace", { workspace_id: workspaceId }),
    onSuccess: () => location.assign("/"),
  });

export const useChangeMe = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (change: { name?: string; language?: string; theme?: string; shortcuts?: boolean }) =>
      patch<Me>("/v1/me", change),
    onSuccess: () => cache.invalidateQueries({ queryKey: ME }),
  });
};

export const useChangePassword = () =>
  useMutation({ mutationFn: (words: { current: string; new: string }) => post<unknown>("/v1/me/password", words) });

export const useLink = (token: string) =>
  useQuery({
    queryKey: ["links", token],
    queryFn: () => get<LinkFacts>(`/v1/links/${encodeURIComponent(token)}`),
    retry: false,
  });

export const useTakeLink = (token: string) => {
  const signedIn = useSignedIn();
  return useMutation({
    mutationFn: (words: { name?: string; password: string }) =>
      post<Me>(`/v1/links/${encodeURIComponent(token)}`, words),
    onSuccess: signedIn,
  });
};
