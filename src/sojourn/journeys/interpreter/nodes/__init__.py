"""The node types, one file each; this tuple is the registry."""

from __future__ import annotations

from sojourn.journeys.interpreter.node import NodeKind
from sojourn.journeys.interpreter.nodes import (
    branch_reply,
    call_url,
    condition,
    end,
    event_trigger,
    send_message,
    send_template,
    set_variable,
    update_profile,
    wait_for,
    wait_time,
)

NODE_KINDS: tuple[NodeKind, ...] = (
    event_trigger.KIND,
    send_template.KIND,
    send_message.KIND,
    wait_time.KIND,
    wait_for.KIND,
    branch_reply.KIND,
    condition.KIND,
    set_variable.KIND,
    update_profile.KIND,
    call_url.KIND,
    end.KIND,
)
KIND_OF: dict[str, NodeKind] = {kind.type: kind for kind in NODE_KINDS}
