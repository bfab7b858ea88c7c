"""QR codes and short links (reference 11.6)."""

from cloudsim.graph.errors import invalid, unknown_object
from cloudsim.graph.nodes import page
from cloudsim.http import Request, Response
from cloudsim.identifiers import trace_id
from cloudsim.jsontypes import Json
from cloudsim.simulator import Simulator
from cloudsim.world import Phone

TEXT_MAX = 140
CODES_MAX = 2000


def save(sim: Simulator, phone: Phone, request: Request) -> Response:
    """Create, or change the text of `code`."""
    fields = request.fields()
    text = str(fields.get("prefilled_message", ""))
    if not 1 <= len(text) <= TEXT_MAX:
        raise invalid(f"prefilled_message must be 1 to {TEXT_MAX} characters long")
    code = str(fields.get("code", ""))
    if code and code not in phone.codes:
        raise unknown_object(code, request.method)
    if not code and len(phone.codes) >= CODES_MAX:
        raise invalid(f"A number has at most {CODES_MAX} codes")
    image = str(fields.get("generate_qr_image", ""))
    if image not in {"", "SVG", "PNG"}:
        raise invalid("generate_qr_image must be SVG or PNG")
    code = code or trace_id()[1:15].upper()
    entry: Json = {"code": code, "prefilled_message": text, "deep_link_url": f"https://wa.me/message/{code}"}
    if image:
        entry["qr_image_url"] = f"{request.base_url}/qr/{code}.{image.lower()}"
    phone.codes[code] = entry
    return Response.of(entry)


def show(sim: Simulator, phone: Phone, request: Request) -> Response:
    code = request.query.get("_rest") or request.query.get("code")
    if code is None:
        return page(request, list(phone.codes.values()))
    if code not in phone.codes:
        raise unknown_object(code, request.method)
    return Response.of({"data": [phone.codes[code]]})


def delete(sim: Simulator, phone: Phone, request: Request) -> Response:
    code = request.query.get("_rest", "")
    if phone.codes.pop(code, None) is None:
        raise unknown_object(code, request.method)
    return Response.of({"success": True})
