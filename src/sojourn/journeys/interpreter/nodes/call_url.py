"""Call a URL and remember parts of the answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from sojourn.journeys.interpreter import values
from sojourn.journeys.interpreter.durations import Duration
from sojourn.journeys.interpreter.effects import CallAddress
from sojourn.journeys.interpreter.node import Node, NodeKind
from sojourn.journeys.interpreter.outcomes import Leave, Outcome, Stay
from sojourn.journeys.interpreter.run import Resume, RunView, UrlAnswered

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,80}$")]
AnswerPath = Annotated[str, Field(min_length=1, max_length=200)]
TIMEOUT = timedelta(seconds=10)
TIMEOUT_MAX = timedelta(seconds=60)


def _check_url(url: str) -> str:
    if not url.startswith(("https://", "http://", "{{")):
        raise PydanticCustomError("url", "must begin with https:// or http://")
    return url


def _check_timeout(length: timedelta) -> timedelta:
    if length > TIMEOUT_MAX:
        raise PydanticCustomError("duration_range", "must be between 1s and 60s")
    return length


class CallUrl(Node):
    """Calls `url`; exit `ok` on a 2xx answer, `failed` when all attempts ended otherwise.

    `json` goes as the body. `save` maps variables to paths inside a JSON answer (`{points: data.points}`). Each call
    carries an `Idempotency-Key` that is the same on every attempt, because a repeat cannot be ruled out.
    """

    type: Literal["call_url"]
    url: Annotated[values.LiquidText, AfterValidator(_check_url)]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: Annotated[dict[HeaderName, values.LiquidText], Field(max_length=20)] = Field(default_factory=dict)
    json_: Annotated[values.Value, Field(alias="json")] = None
    save: Annotated[dict[values.Name, AnswerPath], Field(max_length=20)] = Field(default_factory=dict)
    timeout: Annotated[Duration, AfterValidator(_check_timeout)] = TIMEOUT
    attempts: Annotated[int, Field(ge=1, le=10)] = 3


def exits(_node: CallUrl) -> tuple[str, ...]:
    """Answered well, or not."""
    return ("ok", "failed")


def visit(node: CallUrl, run: RunView, _now: datetime) -> Outcome:
    """Ask for the call and stay for its answer."""
    return Stay(
        effects=(
            CallAddress(
                seq=run.run.seq,
                method=node.method,
                url=values.render(node.url, run).strip(),
                headers={name: values.render(text, run) for name, text in node.headers.items()},
                body=values.resolve(node.json_, run),
                save=node.save,
                timeout_seconds=node.timeout.total_seconds(),
                attempts=node.attempts,
            ),
        )
    )


def resume(_node: CallUrl, run: RunView, came: Resume, _now: datetime) -> Outcome | None:
    """Take the answer of this visit."""
    if not isinstance(came, UrlAnswered) or came.seq != run.run.seq:
        return None
    detail = {"status": came.status, "error": came.error}
    variables = {**run.memory.variables, **came.values} if came.values else None
    return Leave(exit=came.exit, variables=variables, detail={k: v for k, v in detail.items() if v is not None})


KIND = NodeKind(type="call_url", model=CallUrl, visit=visit, resume=resume, exits=exits, passing=True)
