import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { get, patch, post, remove } from "@/lib/http";

export type Member = {
  id: string;
  email: string;
  name: string;
  roles: string[];
  state: "invited" | "active" | "deactivated";
  created_at: string;
  joined_at: string | null;
  last_signed_in_at: string | null;
};
export type Role = { name: string; title: string; rights: string[]; custom: boolean };

export const useMembers = () =>
  useQuery({
    queryKey: ["members"],
    queryFn: () => get<{ items: Member[] }>("/v1/members", { limit: 200 }),
    select: (page) => page.items,
  });
export const useRoles = () =>
  useQuery({ queryKey: ["roles"], queryFn: () => get<{ items: Role[] }>("/v1/roles"), select: (page) => page.items });

function useTouched<T, R>(act: (what: T) => Promise<R>) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["members"] });
      void cache.invalidateQueries({ queryKey: ["roles"] });
    },
  });
}

export const useInvite = () =>
  useTouched((who: { email: string; name: string; roles: string[] }) => post<{ link: string }>("/v1/members", who));
export const useRenewLink = () =>
  useTouched((member: Member) =>
    post<{ link: string }>(`/v1/members/${member.id}/${member.state === "invited" ? "invite" : "reset"}`),
  );
export const useChangeMember = () =>
  useTouched(({ id, ...change }: { id: string; name?: string; roles?: string[] }) =>
    patch<Member>(`/v1/members/${id}`, change),
  );
export const useSetActive = () =>
  useTouched(({ id, active }: { id: string; active: boolean }) =>
    post<Member>(`/v1/members/${id}/${active ? "activate" : "deactivate"}`),
  );
export const useCreateRole = () =>
  useTouched((role: { name: string; title: string; rights: string[] }) => post<Role>("/v1/roles", role));
export const useChangeRole = () =>
  useTouched(({ name, ...change }: { name: string; title?: string; rights?: string[] }) =>
    patch<Role>(`/v1/roles/${name}`, change),
  );
export const useDeleteRole = () => useTouched((name: string) => remove<void>(`/v1/roles/${name}`));
