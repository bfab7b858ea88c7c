"""What the web process says about itself in `/v1/openapi.json`, beyond what FastAPI finds in the routes.

Every error is a problem document; the hot ways in and the provider's webhooks are plain ASGI callables that FastAPI
never sees, so that their rights and bodies are written here by hand.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from sojourn.channels.whatsapp.routes import PREFIX as WEBHOOKS
from sojourn.events.asgi import PATHS as INGEST_PATHS
from sojourn.workspaces.access import API_KEY, SESSION

Document = dict[str, Any]

PROBLEM_TYPE = "application/problem+json"
WRITE_KEY = "writeKey"
INGEST_RIGHT = "events.write"

PROBLEM: Document = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `code` never changes its spelling; further members belong to the code.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:sojourn:problem:invalid_input"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldProblem"}},
    },
    "additionalProperties": True,
}
FIELD_PROBLEM: Document = {
    "type": "object",
    "title": "FieldProblem",
    "description": "One mistake: where, which, and the limit that was crossed.",
    "required": ["field", "code"],
    "properties": {
        "field": {"type": "string"},
        "code": {"type": "string"},
        "limit": {"description": "A number, a text or a list of what is allowed"},
        "message": {"type": "string"},
    },
    "additionalProperties": True,
}
WRITE_KEY_SCHEME: Document = {
    "type": "http",
    "scheme": "basic",
    "description": "A write key, `wk_…`, as user name with an empty password, as Segment's client libraries send it.",
}
WORDS = {
    "401": "The key is missing, unknown, expired or revoked; or the session has ended",
    "403": "The right that stands in `security` is missing; or a write by cookie came without its token",
    "404": "There is nothing with this id in the workspace of the key",
    "413": "The body is larger than this address accepts",
    "422": "The request has mistakes; each is named with its field and limit",
    "503": "The database cannot be reached at the moment; see `Retry-After`",
    "default": "Any other refusal",
}


class DocumentedApp(FastAPI):
    """FastAPI whose OpenAPI document tells the whole truth."""

    def openapi(self) -> Document:
        """The document, made once."""
        if self.openapi_schema is None:
            complete(super().openapi())
        assert self.openapi_schema is not None
        return self.openapi_schema


def complete(document: Document) -> None:
    """Add what FastAPI cannot know, in place."""
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= {"Problem": PROBLEM, "FieldProblem": FIELD_PROBLEM}
    document["components"].setdefault("securitySchemes", {})[WRITE_KEY] = WRITE_KEY_SCHEME
    document["paths"] |= webhook_paths()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in INGEST_PATHS:
                operation["security"] = [
                    {API_KEY.scheme_name: [INGEST_RIGHT]}, {SESSION.scheme_name: [INGEST_RIGHT]}, {WRITE_KEY: []},
                ]  # fmt: skip
            if path.startswith("/v1/"):
                _add_problems(path, operation)


def _add_problems(path: str, operation: Document) -> None:
    statuses = ["503", "default"]
    if operation.get("security"):
        statuses += ["401", "403"]
    if "{" in path:
        statuses.append("404")
    if "requestBody" in operation:
        statuses += ["413", "422"]
    if "422" in operation["responses"]:
        statuses.append("422")
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in statuses:
        known = operation["responses"].get(status, {})
        if status == "422" or not known.get("content"):
            operation["responses"][status] = {"description": WORDS[status], "content": content}


def webhook_paths() -> Document:
    """Where the WhatsApp platform reports to."""
    parameter = {
        "name": "sender_app_key", "in": "path", "required": True, "schema": {"type": "string"},
        "description": "The last part of the callback address that a sender shows",
    }  # fmt: skip
    asked = [
        {"name": name, "in": "query", "required": True, "schema": {"type": "string"}}
        for name in ("hub.mode", "hub.verify_token", "hub.challenge")
    ]
    signature = {
        "name": "X-Hub-Signature-256", "in": "header", "required": True, "schema": {"type": "string"},
        "description": "`sha256=` and the HMAC of the raw body under the app secret",
    }  # fmt: skip
    plain = {"text/plain": {"schema": {"type": "string"}}}
    refused = {"description": "The token or signature is not ours; nothing was stored"}
    return {
        WEBHOOKS + "{sender_app_key}": {
            "get": {
                "tags": ["webhooks"], "summary": "Verify the subscription", "operationId": "verify_whatsapp_webhook",
                "description": "The handshake when a callback address is subscribed: the challenge comes back.",
                "parameters": [parameter, *asked],
                "responses": {"200": {"description": "The challenge", "content": plain}, "403": refused},
            },
            "post": {
                "tags": ["webhooks"], "summary": "Take in a report", "operationId": "receive_whatsapp_webhook",
                "description": "Messages, statuses and news, up to 3 MB; durable before the 200.",
                "parameters": [parameter, signature],
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {"200": {"description": "Stored"}, "401": refused},
            },
        }
    }  # fmt: skip
