"""News for browsers from the road out and the way in: one row a batch, ids and counts only."""

from __future__ import annotations

from types import SimpleNamespace

from sojourn.deliveries.actions.showing import show
from sojourn.kit.database import fetch_all
from sojourn.kit.ids import new_id
from sojourn.kit.live import ITEMS_MAX


async def test_a_batch_is_one_row_a_workspace_with_counts_and_the_first_few(conn, now):
    shop, other, sender = (new_id(now) for _ in range(3))
    made = [
        SimpleNamespace(id=new_id(now), workspace_id=shop, profile_id=new_id(now), sender_id=sender) for _ in range(50)
    ]
    elsewhere = SimpleNamespace(id=new_id(now), workspace_id=other, profile_id=new_id(now), sender_id=None)
    batch = [(one, "sent" if number < 30 else "failed") for number, one in enumerate(made)]
    await show(conn, [*batch, (elsewhere, "excluded")], now=now)
    rows = {row["workspace_id"]: row for row in await fetch_all(conn, "SELECT * FROM live_events")}
    row = rows[shop]
    assert row["topic"] == "deliveries"
    assert row["payload"]["counts"] == {"sent": 30, "failed": 20}
    assert row["payload"]["items"][0] == {
        "delivery_id": str(made[0].id), "profile_id": str(made[0].profile_id), "status": "sent",
    }  # fmt: skip
    assert len(row["payload"]["items"]) == ITEMS_MAX
    assert set(row["profiles"]) == {one.profile_id for one in made}
    assert row["senders"] == [sender]
    assert (rows[other]["payload"]["counts"], rows[other]["senders"]) == ({"excluded": 1}, [])


async def test_nothing_to_tell_writes_nothing(conn, now):
    await show(conn, [], now=now)
    assert await fetch_all(conn, "SELECT FROM live_events") == []
