"""What keeps a double opt-in from being asked: said where it is requested, for nobody sees a question not arrive."""

from __future__ import annotations

from collections.abc import Iterable

from typing_extensions import TypedDict  # pydantic reads only this one before Python 3.12

from sojourn.consents import request_store
from sojourn.consents.model import ConsentState
from sojourn.kit.database import Conn
from sojourn.workspaces.model import Workspace


class ConsentWarning(TypedDict):
    """Something to mend: a code, a sentence, the template that it is about."""

    code: str
    message: str
    template: str


async def list_warnings(conn: Conn, workspace: Workspace, states: Iterable[ConsentState]) -> list[ConsentWarning]:
    """Why nobody of those who are to confirm (`pending`) will be asked; empty when they will, or nobody is to."""
    if ConsentState.PENDING not in states:
        return []
    template = workspace.settings.opt_in_question_template
    approved = await request_store.find_question(conn, workspace.id, template)
    if approved is None:
        message = "nobody is asked: there is no template of this name; write it, or set opt_in_question_template"
        return [{"code": "question_template_missing", "message": message, "template": template}]
    if not approved:
        message = "nobody is asked before a language of this template is approved"
        return [{"code": "question_template_not_approved", "message": message, "template": template}]
    return []
