"""Errors in the shapes of the Graph API; titles and HTTP statuses come from `data/errors.csv`."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from cloudsim.http import Response
from cloudsim.identifiers import trace_id
from cloudsim.jsontypes import Json

HREF = "/documentation/business-messaging/whatsapp/support/error-codes"

# `details` of the status webhook, as samples show them; elsewhere the meaning column is used.
WEBHOOK_DETAILS = {
    131026: "Message Undeliverable.",
    131047: "Message failed to send because more than 24 hours have passed since the customer last replied to this "
    "number.",
    131049: "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
    131050: "The user has stopped receiving marketing messages from this business.",
    132015: "Template is paused due to low quality.",
}
SYNC_TITLES = {
    131030: "Recipient phone number not in allowed list",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132012: "Parameter format does not match format in the created template",
    100: "Invalid parameter",
}
WEBHOOK_TITLES = {
    131026: "Message undeliverable",
    132015: "Template is Paused",
    131049: "This message was not delivered to maintain healthy ecosystem engagement.",
}


@dataclass(frozen=True, slots=True)
class Known:
    status: int
    title: str
    meaning: str


@lru_cache(maxsize=1)
def catalogue() -> dict[int, Known]:
    """Code -> HTTP status, title and meaning. `?` after a status means undocumented, `-` webhook only: both 400."""
    with files("cloudsim").joinpath("data/errors.csv").open(encoding="utf-8") as table:
        return {
            int(row["code"]): Known(int(row["http_status"].strip("?-") or 400), row["title"], row["meaning"])
            for row in csv.DictReader(table)
        }


class GraphError(Exception):
    """A refusal that leaves as HTTP 4xx or 5xx; `Response` is made where the router catches it."""

    def __init__(
        self,
        code: int,
        details: str = "",
        *,
        status: int = 0,
        message: str = "",
        kind: str = "OAuthException",
        subcode: int = 0,
        transient: bool | None = None,
        user_title: str = "",
        user_message: str = "",
        retry_after: int = 0,
        extra: Json | None = None,
    ) -> None:
        known = catalogue().get(code)
        self.code = code
        self.status = status or (known.status if known else 400)
        self.kind = kind
        self.subcode = subcode
        self.details = details
        self.message = message or f"(#{code}) {SYNC_TITLES.get(code) or (known.title if known else 'Unknown error')}"
        self.transient = transient
        self.user_title = user_title
        self.user_message = user_message
        self.retry_after = retry_after
        self.extra = extra
        super().__init__(f"{self.message}: {details}")

    def body(self) -> Json:
        error: Json = {"message": self.message, "type": self.kind, "code": self.code}
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode:
            error["error_subcode"] = self.subcode
        if self.transient is not None:
            error["is_transient"] = self.transient
        if self.user_title:
            error["error_user_title"] = self.user_title
            error["error_user_msg"] = self.user_message
        error["fbtrace_id"] = trace_id()
        return {**(self.extra or {}), "error": error}

    def response(self) -> Response:
        body = self.body()
        response = Response.of(body, self.status)
        response.headers.append((b"x-fb-trace-id", body["error"]["fbtrace_id"].encode()))
        if self.code == 190:
            challenge = f'OAuth "Facebook Platform" "invalid_token" "{self.message}"'
            response.headers.append((b"www-authenticate", challenge.encode("latin-1", "replace")))
        if self.retry_after:
            response.headers.append((b"retry-after", str(self.retry_after).encode()))
        return response


def unknown_object(node_id: str, method: str) -> GraphError:
    return GraphError(
        100,
        status=400,
        subcode=33,
        kind="GraphMethodException",
        message=f"Unsupported {method.lower()} request. Object with ID '{node_id}' does not exist, cannot be loaded "
        "due to missing permissions, or does not support this operation.",
    )


def unknown_path(path: str) -> GraphError:
    return GraphError(2500, status=400, message=f"Unknown path components: {path}")


def token_error(
    subcode: int = 0, message: str = "Invalid OAuth access token - Cannot parse access token"
) -> GraphError:
    return GraphError(190, status=401, subcode=subcode, message=message)


def expired_token() -> GraphError:
    return token_error(463, "Error validating access token: Session has expired.")


def invalid(details: str) -> GraphError:
    return GraphError(100, details)


def management_error(subcode: int, title: str, text: str) -> GraphError:
    """Template management answers code 100 and says what it means in the subcode (reference 6)."""
    return GraphError(
        100,
        status=400,
        subcode=subcode,
        message="Invalid parameter",
        transient=False,
        user_title=title,
        user_message=text,
    )


def webhook_error(code: int, details: str = "") -> Json:
    """An entry of `errors[]` in a webhook."""
    known = catalogue().get(code)
    title = WEBHOOK_TITLES.get(code) or (known.title if known else "Something went wrong")
    text = details or WEBHOOK_DETAILS.get(code) or (known.meaning if known else "")
    return {"code": code, "title": title, "message": title, "error_data": {"details": text}, "href": HREF}
