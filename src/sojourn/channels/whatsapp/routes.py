"""`/webhooks/whatsapp/{key}`: the provider's handshake and its posts. Plain ASGI, because every status comes through.

A post is answered 200 once its raw bytes are committed; parsing happens in the worker. A bad signature gets 401 and
leaves nothing; a body that cannot be parsed later was still received and is kept.
"""

import hmac
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from starlette.types import Receive, Scope, Send

from sojourn.channels import store
from sojourn.channels.actions import SECRET_CONTEXT, verify_token_of
from sojourn.channels.webhook_store import NewBody
from sojourn.channels.whatsapp import limits
from sojourn.channels.whatsapp.batcher import Batcher
from sojourn.channels.whatsapp.sealing import digest_of, seal
from sojourn.channels.whatsapp.signature import is_valid
from sojourn.kit.crypto import KeyRing
from sojourn.kit.errors import AppError, Kind, NotFound
from sojourn.kit.web import read_body, send_problem

PREFIX = "/webhooks/whatsapp/"
CHALLENGE_MAX = 1024
APP_LIFETIME_SECONDS = 30.0
UNKNOWN_LIFETIME_SECONDS = 2.0
APPS_MAX = 10_000


class SignatureInvalid(AppError):
    """The signature of the webhook does not fit its bytes."""

    kind = Kind.UNAUTHENTICATED
    code = "signature_invalid"


class VerificationRefused(AppError):
    """The verify token is not the one of this address."""

    kind = Kind.FORBIDDEN
    code = "verification_refused"


@dataclass(frozen=True, slots=True)
class _App:
    id: UUID
    secret: bytes
    loaded_at: float


class _Receiver:
    """What one web process keeps for its webhooks: the batcher and the apps that it knows."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self._keys: KeyRing = state.keys
        self._apps: dict[str, _App | None] = {}
        self._unknown_until: dict[str, float] = {}
        self.batcher = Batcher(state.db, state.clock)

    async def find_app(self, key: str, *, fresh: bool = False) -> _App | None:
        """The app behind a webhook address, from memory for half a minute."""
        if "\x00" in key:
            return None
        app = self._apps.get(key)
        moment = time.monotonic()
        if app is not None and not fresh and moment - app.loaded_at < APP_LIFETIME_SECONDS:
            return app
        if self._unknown_until.get(key, 0.0) > moment:
            return None
        async with self._state.db.transaction() as conn:
            found = await store.find_webhook_app(conn, key)
        if max(len(self._apps), len(self._unknown_until)) >= APPS_MAX:
            self._apps.clear()
            self._unknown_until.clear()
        if found is None:
            self._unknown_until[key] = moment + UNKNOWN_LIFETIME_SECONDS
            return None
        secret = self._keys.decrypt(found.app_secret, context=SECRET_CONTEXT)
        app = self._apps[key] = _App(found.id, secret, moment)
        return app

    async def receive(self, key: str, body: bytes, signature: bytes | None) -> None:
        """Store a signed body. Raises NotFound, SignatureInvalid, DatabaseUnavailable, Overloaded."""
        app = await self.find_app(key)
        if app is None:
            raise NotFound
        if not is_valid(app.secret, body, signature):
            # The secret may have been changed a moment ago; look again, but not for every forged post.
            if time.monotonic() - app.loaded_at < 1.0:
                raise SignatureInvalid
            app = await self.find_app(key, fresh=True)
            if app is None or not is_valid(app.secret, body, signature):
                raise SignatureInvalid
        sealed = seal(body, self._keys)
        await self.batcher.store(NewBody(digest_of(app.id, body), app.id, len(body), sealed))

    async def shake_hands(self, key: str, query: bytes) -> bytes:
        """The challenge of a verification request. Raises NotFound or VerificationRefused."""
        app = await self.find_app(key, fresh=True)
        if app is None:
            raise NotFound
        given = {name: values[0] for name, values in parse_qs(query.decode("latin-1")).items()}
        token = given.get("hub.verify_token", "")
        wanted = verify_token_of(self._keys, key)
        challenge = given.get("hub.challenge", "")
        if given.get("hub.mode") != "subscribe" or not hmac.compare_digest(token.encode(), wanted.encode()):
            raise VerificationRefused
        if not challenge or len(challenge) > CHALLENGE_MAX:
            raise VerificationRefused
        async with self._state.db.transaction() as conn:
            await store.update_verified(conn, app.id, now=self._state.clock.now())
        return challenge.encode()


def _receiver(scope: Scope) -> _Receiver:
    state = scope["app"].state
    receiver: _Receiver | None = getattr(state, "whatsapp_receiver", None)
    if receiver is None:
        receiver = state.whatsapp_receiver = _Receiver(state)
    return receiver


async def webhook_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request below `/webhooks/whatsapp/`."""
    try:
        key = scope["path"][len(PREFIX) :]
        receiver = _receiver(scope)
        if scope["method"] == "POST":
            body = await read_body(scope, receive, limit=limits.WEBHOOK_BODY_MAX_BYTES)
            await receiver.receive(key, body, _header(scope, b"x-hub-signature-256"))
            await _answer(send, b"ok")
        elif scope["method"] == "GET":
            await _answer(send, await receiver.shake_hands(key, scope["query_string"]))
        else:
            raise NotFound
    except AppError as error:
        await send_problem(send, error)


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    for name, value in scope["headers"]:
        if name == wanted:
            found: bytes = value
            return found
    return None


_OK_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"x-content-type-options", b"nosniff"),
]


async def _answer(send: Send, body: bytes) -> None:
    headers = [*_OK_HEADERS, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
