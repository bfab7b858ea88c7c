"""The Resumable Upload API, whose handles templates and profiles take as samples (reference 3.8)."""

import base64

from cloudsim.graph.errors import GraphError, invalid, unknown_object
from cloudsim.http import Request, Response
from cloudsim.identifiers import fresh_id, trace_id
from cloudsim.simulator import Simulator
from cloudsim.world import App, Token, Upload

SESSION_SECONDS = 24 * 3600.0
TYPES = frozenset({"image/jpeg", "image/jpg", "image/png", "video/mp4", "application/pdf"})


def start(sim: Simulator, app: App, request: Request) -> Response:
    fields = request.fields()
    try:
        length = int(fields["file_length"])
    except (KeyError, ValueError):
        raise invalid("file_length is required") from None
    kind = str(fields.get("file_type", ""))
    if kind not in TYPES:
        raise invalid(f"file_type must be one of {', '.join(sorted(TYPES))}")
    session = f"upload:{base64.urlsafe_b64encode(fresh_id('1').encode()).decode().rstrip('=')}"
    sim.world.uploads[session] = Upload(
        session, app.id, str(fields.get("file_name", "")), length, kind, sim.now() + SESSION_SECONDS
    )
    return Response.of({"id": f"{session}?sig={trace_id()}"})


def continue_upload(sim: Simulator, token: Token, session: str, request: Request) -> Response:
    upload = sim.world.uploads.get(session)
    if upload is None or upload.expires_at <= sim.now() or upload.app_id != token.app_id:
        raise unknown_object(session, request.method)
    if request.method == "GET":
        return Response.of({"id": session, "file_offset": len(upload.content)})
    if request.header(b"file_offset") != str(len(upload.content)):
        raise GraphError(100, f"file_offset must be {len(upload.content)}")
    upload.content += request.body
    if len(upload.content) > upload.file_length:
        raise invalid("more bytes than file_length")
    if len(upload.content) < upload.file_length:
        return Response.of({"id": session, "file_offset": len(upload.content)})
    kind = base64.b64encode(upload.file_type.encode()).decode()
    handle = f"4::{kind}:{trace_id()}:e:{int(upload.expires_at)}:{trace_id()}"
    sim.world.handles[handle] = upload
    return Response.of({"h": handle})
