"""What the worker does for workspaces: tidies up what is over, and seals the audit trail."""

from __future__ import annotations

from datetime import timedelta

from sojourn.kit import live
from sojourn.kit.clock import system_now
from sojourn.kit.jobs import Periodic, Work
from sojourn.workspaces import attempts, audit_chain, member_store, sessions

LINKS_KEPT = timedelta(days=7)  # after they expired, so that whoever comes late hears "expired" and not "unknown"


async def tidy_up(work: Work) -> None:
    """Delete ended sessions, counted attempts, old links, and live news older than 15 minutes."""
    moment = system_now()
    async with work.transaction() as conn:
        await live.delete_old(conn, moment)
    async with work.transaction() as conn:
        await sessions.delete_ended_sessions(conn, moment)
        await attempts.delete_old_attempts(conn, moment)
        await member_store.delete_old_links(conn, moment - LINKS_KEPT)


async def seal_audit(work: Work) -> None:
    """Put entries that wait into their workspace's chain, a few hundred a transaction."""
    while True:
        async with work.transaction() as conn:
            waiting = await audit_chain.list_waiting(conn, limit=20)
            sealed = sum([await audit_chain.seal(conn, workspace_id, keys=work.keys) for workspace_id in waiting])
        if sealed == 0:
            return


PERIODICS: tuple[Periodic, ...] = (
    Periodic(name="workspaces.tidy_up", every=timedelta(minutes=5), handle=tidy_up),
    Periodic(name="workspaces.seal_audit", every=timedelta(minutes=5), handle=seal_audit),
)
