"""Who hears what: every handler, poller and periodic job of the product, written out."""

from __future__ import annotations

from sojourn.kit.jobs import Handler, Periodic, Poller, Registry

HANDLERS: tuple[Handler, ...] = ()
POLLERS: tuple[Poller, ...] = ()
PERIODICS: tuple[Periodic, ...] = ()

REGISTRY = Registry(HANDLERS, POLLERS, PERIODICS)
