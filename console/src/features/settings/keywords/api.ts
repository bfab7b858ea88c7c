import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { KeywordsOut, KeywordTestOut, OwnWords } from "@/api";
import { get, post, put } from "@/lib/http";

export type { KeywordTestOut, OwnWords };
export type WordList = {
  language: string;
  kind: string;
  always?: string[];
  words?: string[];
  quiet?: string[];
} & Record<string, unknown>;

export const useKeywords = () => useQuery({ queryKey: ["keywords"], queryFn: () => get<KeywordsOut>("/v1/keywords") });

export const useSaveWords = () => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (own: OwnWords) => put<OwnWords>("/v1/keywords", own),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["keywords"] }),
  });
};

export const useTestWord = () =>
  useMutation({
    mutationFn: (test: { text: string; question_open: boolean; language: string | null }) =>
      post<KeywordTestOut>("/v1/keywords/test", test),
  });
