import { useQuery } from "@tanstack/react-query";
import { get } from "@/lib/http";

export type Day = {
  sent: number;
  delivered: number;
  read: number;
  replied: number;
  opted_out: number;
  cost_micros: number | null;
  currency: string | null;
};
export type Recent = {
  id: string;
  at: string;
  direction: string;
  profile_id: string;
  profile_name: string | null;
  kind: string;
  text_preview: string | null;
  status: string | null;
  delivery_id: string | null;
};
export type Overview = {
  today: Day;
  yesterday_same_hour: Day;
  senders: {
    id: string;
    name: string;
    phone_number: string | null;
    state: string;
    simulated: boolean;
    quality: string | null;
  }[];
  needs_you: { kind: string; text_code: string; data: Record<string, unknown>; link: string | null }[];
  checklist: { id: string; done: boolean }[];
  recent_messages: Recent[];
};

export const OVERVIEW = ["overview"] as const;

export const useOverview = () => useQuery({ queryKey: OVERVIEW, queryFn: () => get<Overview>("/v1/overview") });
