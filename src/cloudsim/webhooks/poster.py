"""Posts callbacks: in batches, signed, a few at a time, and again over seven virtual days until they are taken."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from cloudsim.jsontypes import Json
from cloudsim.timers import Timers
from cloudsim.webhooks.bodies import Update, envelope
from cloudsim.webhooks.signature import sign, sign_legacy
from cloudsim.world import Counts

GIVE_UP_SECONDS = 7 * 86400.0  # source: reference 5.1, "up to 7 days"
# Virtual seconds after each failure; the last one repeats until the seven days are over.
RETRY_DELAYS = (0, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 57600, 86400)
TIMEOUT_SECONDS = 15.0
BATCH_MAX = 1000


@dataclass(slots=True)
class PostSettings:
    """`linger_ms` (real time) is how long a batch waits to fill; it matters only when `batch` is above 1."""

    batch: int = 1
    linger_ms: float = 20.0
    concurrency: int = 8
    escape: bool = True
    legacy_signature: bool = False
    merge_statuses: bool = False
    paused: bool = False

    def view(self) -> Json:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Post:
    """One body on its way; retries repeat it byte by byte."""

    url: str
    body: bytes
    headers: dict[str, str]
    updates: int
    first_at: float
    attempt: int = 0
    drops: int = 0


@dataclass(slots=True)
class Lane:
    """What waits for one callback URL and app."""

    url: str
    secret: bytes
    updates: deque[Update] = field(default_factory=deque)
    posts: deque[Post] = field(default_factory=deque)
    workers: int = 0


class Poster:
    def __init__(self, timers: Timers, counts: Callable[[], Counts]) -> None:
        self.settings = PostSettings()
        self.waiting = 0  # posts that failed and wait for their retry
        self.withheld: list[Update] = []
        self.last_error = ""
        self._generation = 0  # what was in flight at a reset must not come back
        self._timers = timers
        self._counts = counts
        self._lanes: dict[tuple[str, bytes], Lane] = {}
        self._http: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def clear(self) -> None:
        for lane in self._lanes.values():
            lane.updates.clear()
            lane.posts.clear()
        self._lanes.clear()
        self._generation += 1
        self.withheld.clear()
        self.waiting = 0
        self.last_error = ""

    def is_quiet(self) -> bool:
        paused = self.settings.paused
        return not any(lane.workers or (not paused and (lane.updates or lane.posts)) for lane in self._lanes.values())

    def queued(self) -> int:
        return sum(len(lane.updates) + len(lane.posts) for lane in self._lanes.values())

    def add(self, update: Update) -> None:
        lane = self._lane(update.url, update.secret)
        lane.updates.append(update)
        self._wake(lane)

    def add_raw(self, url: str, secret: bytes, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Post these very bytes, signed unless `headers` already carry a signature."""
        lane = self._lane(url, secret)
        lane.posts.append(Post(url, body, self._headers(secret, body) | (headers or {}), 1, self._timers.now()))
        self._wake(lane)

    def resume(self) -> None:
        for lane in self._lanes.values():
            self._wake(lane)

    def _lane(self, url: str, secret: bytes) -> Lane:
        lane = self._lanes.get((url, secret))
        if lane is None:
            lane = self._lanes[url, secret] = Lane(url, secret)
        return lane

    def _wake(self, lane: Lane) -> None:
        if self.settings.paused or lane.workers >= self.settings.concurrency or self._http is None:
            return
        lane.workers += 1
        task = asyncio.get_running_loop().create_task(self._drain(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, lane: Lane) -> None:
        try:
            while not self.settings.paused:
                if lane.posts:
                    await self._send(lane, lane.posts.popleft())
                elif lane.updates:
                    if self.settings.batch > 1 and len(lane.updates) < self.settings.batch:
                        await asyncio.sleep(self.settings.linger_ms / 1000)
                    if lane.updates:
                        await self._send(lane, self._pack(lane))
                else:
                    return
        finally:
            lane.workers -= 1

    def _pack(self, lane: Lane) -> Post:
        updates = [lane.updates.popleft()]
        odd = bool(updates[0].malform or updates[0].drops)
        while not odd and lane.updates and len(updates) < self.settings.batch:
            if lane.updates[0].malform or lane.updates[0].drops:
                break
            updates.append(lane.updates.popleft())
        body = envelope(updates, escape=self.settings.escape, merge=self.settings.merge_statuses)
        if updates[0].malform == "json":
            body = body[: len(body) // 2]
        headers = self._headers(lane.secret, body)
        if updates[0].malform == "signature":
            headers["X-Hub-Signature-256"] = sign(b"not the secret", body)
        return Post(lane.url, body, headers, len(updates), self._timers.now(), drops=updates[0].drops)

    def _headers(self, secret: bytes, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": sign(secret, body),
        }
        if self.settings.legacy_signature:
            headers["X-Hub-Signature"] = sign_legacy(secret, body)
        return headers

    async def _send(self, lane: Lane, post: Post) -> None:
        counts, generation = self._counts(), self._generation
        if post.drops:
            post.drops -= 1
            problem = "dropped on purpose"
        else:
            problem = await self._post(post)
        if not problem:
            counts.posts["ok"] += 1
            counts.posts["updates"] += post.updates
            return
        if generation != self._generation:
            return
        self.last_error = problem
        counts.posts["failed"] += 1
        delay = RETRY_DELAYS[min(post.attempt, len(RETRY_DELAYS) - 1)]
        post.attempt += 1
        if self._timers.now() + delay - post.first_at > GIVE_UP_SECONDS:
            counts.posts["dropped"] += 1
            return
        self.waiting += 1
        self._timers.after(delay, self._again, lane, post)

    def _again(self, lane: Lane, post: Post) -> None:
        self.waiting = max(0, self.waiting - 1)
        lane.posts.append(post)
        self._wake(lane)

    async def _post(self, post: Post) -> str:
        """Empty when the callback answered 200."""
        assert self._http is not None
        try:
            async with self._http.post(post.url, data=post.body, headers=post.headers, allow_redirects=False) as answer:
                with contextlib.suppress(aiohttp.ClientError):
                    await answer.read()
                return "" if answer.status == 200 else f"HTTP {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__
