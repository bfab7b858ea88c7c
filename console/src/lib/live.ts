/**
 * One stream of server-sent events for all tabs of a browser. The tab that holds the lock reads the stream and passes
 * events on; the others tell it which topics they want. Without locks each visible tab reads its own.
 */

export type LiveEvent = { topic: string; data: unknown };
export type LiveState = "starting" | "open" | "paused";
type Listener = (event: LiveEvent) => void;
type Word =
  | { kind: "want"; tab: string; topics: string[] }
  | { kind: "gone"; tab: string }
  | { kind: "event"; event: LiveEvent }
  | { kind: "state"; state: LiveState }
  | { kind: "who" };

const PAUSED_AFTER = 10_000; // milliseconds
const RETRY = [1000, 2000, 5000, 10_000, 20_000] as const;

export class Live {
  private readonly tab = crypto.randomUUID?.() ?? String(Math.random());
  private readonly wanted = new Map<string, number>();
  private readonly others = new Map<string, string[]>();
  private readonly refused = new Set<string>();
  private readonly listeners = new Set<Listener>();
  private readonly watchers = new Set<() => void>();
  private readonly channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("sojourn-live");
  private stream: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pausedTimer: ReturnType<typeof setTimeout> | undefined;
  private isLeader = false;
  private isStarted = false;
  private lastId: string | null = null;
  private tries = 0;
  state: LiveState = "starting";

  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    if (this.channel) this.channel.onmessage = (message: MessageEvent<Word>) => this.hear(message.data);
    addEventListener("pagehide", () => this.say({ kind: "gone", tab: this.tab }));
    this.pausedTimer = setTimeout(() => this.change("paused"), PAUSED_AFTER);
    if (navigator.locks && this.channel) {
      void navigator.locks.request("sojourn-live", () => {
        this.lead();
        return new Promise<void>(() => undefined);
      });
    } else {
      this.lead();
      document.addEventListener("visibilitychange", () => (document.hidden ? this.stream?.abort() : this.restart(0)));
    }
  }

  /** Topics come and go with what is on screen. */
  want(topics: readonly string[]): () => void {
    for (const topic of topics) this.wanted.set(topic, (this.wanted.get(topic) ?? 0) + 1);
    this.tell();
    return () => {
      for (const topic of topics) {
        const left = (this.wanted.get(topic) ?? 1) - 1;
        if (left > 0) this.wanted.set(topic, left);
        else this.wanted.delete(topic);
      }
      this.tell();
    };
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  private lead(): void {
    this.isLeader = true;
    this.say({ kind: "who" });
    this.restart(50);
  }

  private tell(): void {
    if (!this.isStarted) return;
    if (this.isLeader) this.restart(150);
    else this.say({ kind: "want", tab: this.tab, topics: [...this.wanted.keys()] });
  }

  private say(word: Word): void {
    this.channel?.postMessage(word);
  }

  private hear(word: Word): void {
    if (word.kind === "event") this.hand(word.event);
    else if (word.kind === "state") this.change(word.state);
    else if (word.kind === "who") this.say({ kind: "want", tab: this.tab, topics: [...this.wanted.keys()] });
    else if (this.isLeader) {
      if (word.kind === "want") this.others.set(word.tab, word.topics);
      else this.others.delete(word.tab);
      this.say({ kind: "state", state: this.state });
      this.restart(150);
    }
  }

  private topics(): string[] {
    const all = new Set([...this.wanted.keys(), ...[...this.others.values()].flat()]);
    return [...all].filter((topic) => !this.refused.has(topic)).sort();
  }

  private current = "";

  private restart(after: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const topics = this.topics().join(",");
      if (topics === this.current && this.stream && !this.stream.signal.aborted) return;
      this.stream?.abort();
      this.current = topics;
      if (topics) void this.read(topics);
    }, after);
  }

  private async read(topics: string): Promise<void> {
    const stream = new AbortController();
    this.stream = stream;
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (this.lastId) headers["Last-Event-ID"] = this.lastId;
      const response = await fetch(`/v1/live?topics=${encodeURIComponent(topics)}`, { headers, signal: stream.signal });
      if (response.status === 403) {
        const body = (await response.json()) as { topics?: string[]; refused?: string[] };
        for (const topic of body.topics ?? body.refused ?? topics.split(",")) this.refused.add(topic);
      }
      const kind = response.headers.get("Content-Type") ?? "";
      if (!response.ok || !response.body || !kind.includes("text/event-stream")) throw new Error("no stream");
      this.tries = 0;
      this.announce("open");
      await this.follow(response.body);
    } catch {
      // the road below tries again
    }
    if (stream.signal.aborted) return;
    this.stream = null;
    clearTimeout(this.pausedTimer);
    this.pausedTimer = setTimeout(() => this.announce("paused"), PAUSED_AFTER);
    this.restart(RETRY[Math.min(this.tries++, RETRY.length - 1)] ?? 20_000);
  }

  private async follow(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value.replaceAll("\r\n", "\n")).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) this.take(block);
    }
  }

  private take(block: string): void {
    const { id, event, data } = readBlock(block);
    if (id) this.lastId = id;
    if (!event && !data) return;
    const live: LiveEvent = { topic: event || "message", data };
    this.say({ kind: "event", event: live });
    this.hand(live);
  }

  private hand(event: LiveEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  private announce(state: LiveState): void {
    this.say({ kind: "state", state });
    this.change(state);
  }

  private change(state: LiveState): void {
    clearTimeout(this.pausedTimer);
    if (this.state === state) return;
    this.state = state;
    for (const watcher of this.watchers) watcher();
  }
}

export function readBlock(block: string): { id: string; event: string; data: unknown } {
  let id = "";
  let event = "";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("id:")) id = line.slice(3).trim();
    else if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  const text = data.join("\n");
  try {
    return { id, event, data: text ? JSON.parse(text) : undefined };
  } catch {
    return { id, event, data: text };
  }
}

export const live = new Live();
