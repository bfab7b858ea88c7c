"""Tokens: who calls, and what that token may touch (reference 1.3)."""

import hmac
from hashlib import sha256

from cloudsim.graph.errors import GraphError, expired_token, token_error
from cloudsim.http import Request, Response
from cloudsim.jsontypes import Json
from cloudsim.simulator import Simulator
from cloudsim.world import App, Token

MESSAGING = "whatsapp_business_messaging"
MANAGEMENT = "whatsapp_business_management"
ALL_SCOPES = frozenset({MESSAGING, MANAGEMENT, "business_management", "whatsapp_business_manage_events"})


def authenticate(sim: Simulator, request: Request) -> Token:
    """The token of a request, from the header or the query. Raises GraphError 190 or 200."""
    header = request.headers.get(b"authorization", b"").decode("latin-1")
    scheme, _, value = header.partition(" ")
    if scheme.lower() not in {"bearer", "oauth"}:
        value = request.query.get("access_token", "")
    value = value.strip()
    if not value:
        raise GraphError(200, message="(#200) Provide valid app ID")
    token = sim.world.tokens.get(value) or _app_token(sim, value)
    if token is None:
        raise token_error(467 if value.startswith("EAA") else 0)
    if token.expires_at is not None and sim.now() >= token.expires_at:
        raise expired_token()
    app = sim.world.apps.get(token.app_id)
    if app is not None and app.require_proof:
        proof = hmac.new(app.secret.encode(), value.encode(), sha256).hexdigest()
        if not hmac.compare_digest(request.query.get("appsecret_proof", ""), proof):
            raise GraphError(100, status=400, message="API calls from the server require an appsecret_proof argument")
    return token


def _app_token(sim: Simulator, value: str) -> Token | None:
    app_id, _, secret = value.partition("|")
    app = sim.world.apps.get(app_id)
    if app is None or not secret or not hmac.compare_digest(secret.encode(), app.secret.encode()):
        return None
    return Token(value, app_id, frozenset({"app"}))


def require(token: Token, scope: str, waba_id: str = "") -> None:
    """Raises GraphError 10 without the permission, 200 when the asset is not assigned to the token."""
    if scope not in token.scopes:
        raise GraphError(10, message="(#10) Application does not have permission for this action")
    if waba_id and token.waba_ids and waba_id not in token.waba_ids:
        raise GraphError(200, message="(#200) You do not have the necessary permissions required to access this asset.")


def require_app(token: Token, app: App) -> None:
    if token.app_id != app.id:
        raise GraphError(200, message="(#200) The token belongs to another app.")


def give_app_token(sim: Simulator, request: Request) -> Response:
    """`GET /oauth/access_token?grant_type=client_credentials`."""
    fields = request.fields()
    app = sim.world.apps.get(str(fields.get("client_id", "")))
    if app is None or fields.get("client_secret") != app.secret:
        raise GraphError(1, status=400, message="Error validating client secret.")
    return Response.of({"access_token": f"{app.id}|{app.secret}", "token_type": "bearer"})


def debug_token(sim: Simulator, request: Request) -> Response:
    authenticate(sim, request)
    value = str(request.query.get("input_token", ""))
    token = sim.world.tokens.get(value) or _app_token(sim, value)
    if token is None:
        error = {"code": 190, "message": "Invalid OAuth access token."}
        return Response.of({"data": {"error": error, "is_valid": False, "scopes": []}})
    expires = int(token.expires_at or 0)
    data: Json = {
        "app_id": token.app_id,
        "type": "APP" if "app" in token.scopes else "SYSTEM_USER",
        "is_valid": not expires or sim.now() < expires,
        "expires_at": expires,
        "scopes": sorted(token.scopes),
        "granular_scopes": [
            {"scope": scope, **({"target_ids": sorted(token.waba_ids)} if token.waba_ids else {})}
            for scope in sorted(token.scopes)
        ],
        "user_id": token.user_id,
    }
    return Response.of({"data": data})
