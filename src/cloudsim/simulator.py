"""The simulator as one object: clock, timers, state, faults, callbacks. Everything below gets it as first argument."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp

from cloudsim.clock import Clock
from cloudsim.identifiers import Dice
from cloudsim.jsontypes import Json
from cloudsim.scenarios.faults import Faults
from cloudsim.scenarios.quotas import Quotas
from cloudsim.settings import Behaviour, Settings, Span
from cloudsim.timers import Timers
from cloudsim.webhooks.bodies import Update
from cloudsim.webhooks.poster import TIMEOUT_SECONDS, Poster, PostSettings
from cloudsim.webhooks.subscriptions import Destination, destinations
from cloudsim.world import Message, Person, World

log = logging.getLogger("cloudsim")

React = Callable[["Simulator", Message], None]


class Simulator:
    """`react` is what people do when a message has reached them; `people.behaviour` puts it in."""

    def __init__(self, *, clock_file: Path | None = None, seed: str = "1") -> None:
        self.clock = Clock(clock_file)
        self.timers = Timers(self.clock, lambda error: log.error("timer_failed", exc_info=error))
        self.seed = seed
        self.latency_ms: Span = (80.0, 300.0)  # what the command line said, kept over a reset
        self.settings = Settings()
        self.world = World()
        self.faults = Faults(seed)
        self.quotas = Quotas()
        self.poster = Poster(self.timers, lambda: self.world.counts)
        self.react: React = lambda sim, message: None
        self.public_url = "http://127.0.0.1"
        self.random = random.Random(seed)
        self.busy = 0  # link fetches and clicks in flight
        self._http: aiohttp.ClientSession | None = None
        self._routes: dict[tuple[str, str, str], list[Destination]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            connector=aiohttp.TCPConnector(limit=64),
        )
        self.poster.start(self._http)
        self.spawn(self.timers.run(), counts=False)

    async def stop(self) -> None:
        await self.poster.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        assert self._http is not None
        return self._http

    def reset(self, *, keep_setup: bool = False) -> None:
        """Forget everything; with `keep_setup` forget messages, people, faults and counts only."""
        old = self.world
        self.timers.clear()
        self.poster.clear()
        self.faults.clear()
        self.quotas.decks.clear()
        self.world = World()
        if keep_setup:
            for name in (
                "portfolios",
                "apps",
                "tokens",
                "wabas",
                "phones",
                "templates",
                "template_names",
                "flows",
                "media",
                "fixture_hosts",
            ):
                setattr(self.world, name, getattr(old, name))
            for portfolio in self.world.portfolios.values():
                portfolio.reached.clear()
            for phone in self.world.phones.values():
                phone.blocked.clear()
                phone.tokens = -1.0
        else:
            self.settings = Settings(latency_ms=self.latency_ms)
            self.poster.settings = PostSettings()
        self.routes_changed()

    def now(self) -> float:
        return self.timers.now()

    def is_quiet(self) -> bool:
        return not self.busy and self.poster.is_quiet() and not self.timers.is_due()

    def spawn(self, work: Coroutine[Any, Any, Any], *, counts: bool = True) -> None:
        """Run `work` beside; while it runs the simulator is not quiet, unless `counts` is off."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        self.busy += counts

        def done(task: asyncio.Task[Any]) -> None:
            self._tasks.discard(task)
            self.busy -= counts
            if not task.cancelled() and task.exception() is not None:
                log.error("task_failed", exc_info=task.exception())

        task.add_done_callback(done)

    def behaviour(self, person: Person) -> Behaviour:
        return person.behaviour or self.settings.default

    def dice(self, *parts: object) -> Dice:
        return Dice(f"{self.seed}:{':'.join(map(str, parts))}")

    def routes_changed(self) -> None:
        self._routes.clear()

    def emit(
        self,
        waba_id: str,
        field: str,
        value: Json,
        *,
        phone_id: str = "",
        kind: str = "",
        wa_id: str = "",
        wamid: str = "",
    ) -> None:
        """Tell every subscribed app about one change."""
        key = (waba_id, phone_id, field)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = destinations(self.world, waba_id, phone_id, field)
        for goal in route:
            update = Update(
                waba_id, field, value, kind or field, wa_id, int(self.now()), goal.url, goal.app_id, goal.secret, wamid
            )
            if self.faults.webhook:
                self._spoil(update)
            else:
                self.poster.add(update)

    def _spoil(self, update: Update) -> None:
        facts = {"field": update.field, "kind": update.kind, "recipient": update.wa_id, "app_id": update.app_id}
        copies, delay = 1, 0.0
        for rule in self.faults.for_update(facts):
            match rule.kind:
                case "duplicate":
                    copies += int(rule.number("times", 1))
                case "delay":
                    delay += rule.number("seconds", 60)
                case "shuffle":
                    dice = self.dice(rule.id, rule.seen)
                    delay += dice.between(0, 0.0, rule.number("seconds", 3))
                case "drop_first":
                    update.drops = int(rule.number("times", 1))
                case "malformed":
                    update.malform = "json"
                case "bad_signature":
                    update.malform = "signature"
                case "withhold":
                    self.poster.withheld.append(update)
                    return
                case "lose":
                    self.world.counts.posts["lost"] += 1
                    return
        for copy in range(copies):
            # a copy comes a moment later: two in one post would hide that the second one is a repeat
            self.timers.after(delay + copy * 0.2, self.poster.add, update)

    def release(self) -> int:
        """Post what was withheld; return how many updates that were."""
        held, self.poster.withheld = self.poster.withheld, []
        for update in held:
            self.poster.add(update)
        return len(held)
