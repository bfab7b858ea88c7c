import { useQueries } from "@tanstack/react-query";
import { get } from "@/lib/http";
import { phone } from "@/lib/phones";
import type { ProfileOut } from "./api";

const word = (value: unknown): string => (typeof value === "string" ? value.trim() : "");

/** What a person is called: their name, else an address, else that there is none. */
export function nameOf(profile: Pick<ProfileOut, "attributes" | "identities">): string {
  const { attributes } = profile;
  const whole =
    word(attributes.name) || [word(attributes.first_name), word(attributes.last_name)].filter(Boolean).join(" ");
  return whole || addressLine(profile) || "—";
}

/** The address that tells most, formatted. */
export function addressLine(profile: Pick<ProfileOut, "identities">): string {
  const order = ["phone", "wa_id", "email", "external_id", "bsuid", "anonymous_id"];
  const sorted = [...profile.identities].sort((a, b) => order.indexOf(a.scheme) - order.indexOf(b.scheme));
  const first = sorted[0];
  if (!first) return "";
  return first.scheme === "phone" || first.scheme === "wa_id" ? phone(first.value) : first.value;
}

/** Names of the people on a page, each fetched once and kept. */
export function useNames(ids: readonly string[]): Map<string, string> {
  const unique = [...new Set(ids)];
  return useQueries({
    queries: unique.map((id) => ({
      queryKey: ["profiles", id],
      queryFn: () => get<ProfileOut>(`/v1/profiles/${id}`),
      staleTime: 300_000,
      retry: false,
    })),
    combine: (answers) =>
      new Map(
        answers.flatMap((answer, index) => (answer.data ? [[unique[index] ?? "", nameOf(answer.data)] as const] : [])),
      ),
  });
}
