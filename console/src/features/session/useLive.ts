import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { live } from "@/lib/live";

const BACK = 15_000; // milliseconds; lists fall back to this while the stream is down

export const useLiveState = () => useSyncExternalStore(live.watch, () => live.state);

/** While this is on screen, follow topics and refetch what they touch, at most once a second. */
export function useLive(
  topics: readonly string[],
  keys: readonly QueryKey[],
  hear?: (topic: string, data: unknown) => void,
): void {
  const cache = useQueryClient();
  const state = useLiveState();
  const wanted = topics.join(",");
  const touched = JSON.stringify(keys);
  useEffect(() => {
    const names = wanted ? wanted.split(",") : [];
    const refetch = () => {
      for (const key of JSON.parse(touched) as QueryKey[]) void cache.invalidateQueries({ queryKey: key });
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stopListening = live.listen((event) => {
      if (event.topic !== "reset" && !names.includes(event.topic)) return;
      hear?.(event.topic, event.data);
      timer ??= setTimeout(() => {
        timer = undefined;
        refetch();
      }, 400);
    });
    const stopWanting = live.want(names);
    return () => {
      clearTimeout(timer);
      stopListening();
      stopWanting();
    };
  }, [wanted, touched, cache, hear]);
  useEffect(() => {
    if (state !== "paused") return;
    const every = setInterval(() => {
      for (const key of JSON.parse(touched) as QueryKey[]) void cache.invalidateQueries({ queryKey: key });
    }, BACK);
    return () => clearInterval(every);
  }, [state, touched, cache]);
}
