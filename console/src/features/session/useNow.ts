import { useSyncExternalStore } from "react";

let offset = 0;
let now = Date.now();
const watchers = new Set<() => void>();

const tick = (): void => {
  now = Date.now() + offset;
  for (const watcher of watchers) watcher();
};
setInterval(tick, 30_000);

/** The simulator's clock may run ahead of the machine's; times on screen follow it. */
export const setClockOffset = (milliseconds: number): void => {
  if (Math.abs(milliseconds - offset) < 1000) return;
  offset = milliseconds;
  tick();
};

const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

/** Now, by the clock of the product, renewed twice a minute. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);
