"""Finds our own media assets in a content, and puts the provider's ids in their place. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from sojourn.channels import content as c
from sojourn.channels.content import Content

_WITH_MEDIA = (c.Image, c.Video, c.Audio, c.Document, c.Sticker)
_WITH_HEADER = (c.Buttons, c.CtaUrl, c.FlowMessage, c.AddressRequest, c.OrderDetails, c.ListMessage, c.ProductList)


def asset_ids_of(content: Content) -> frozenset[UUID]:
    """All assets that a content names."""
    if isinstance(content, c.TemplateContent):
        return frozenset(_template_assets(content.components))
    refs: list[c.MediaRef | None] = []
    if isinstance(content, _WITH_MEDIA):
        refs = [content.media]
    elif isinstance(content, _WITH_HEADER):
        refs = [content.header.media if content.header else None]
    elif isinstance(content, c.Carousel):
        refs = [card.header.media if card.header else None for card in content.cards]
    return frozenset(ref.asset_id for ref in refs if ref is not None and ref.asset_id is not None)


def _template_assets(components: Iterable[Any]) -> Iterable[UUID]:
    for component in components:
        if not isinstance(component, dict):
            continue
        kind = str(component.get("type", "")).lower()
        if kind == "carousel":
            for card in component.get("cards") or ():
                if isinstance(card, dict):
                    yield from _template_assets(card.get("components") or ())
        elif kind == "header":
            for parameter in component.get("parameters") or ():
                for value in parameter.values() if isinstance(parameter, dict) else ():
                    if isinstance(value, dict) and value.get("asset_id") is not None:
                        asset = _as_uuid(value["asset_id"])
                        if asset is not None:
                            yield asset


def _as_uuid(value: object) -> UUID | None:
    """An asset id; None for what is none (the payload's checks refuse it)."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        return None


def resolve_assets(content: Content, ids: Mapping[UUID, str]) -> Content:
    """The same content with the provider's media id wherever one of our assets stood."""
    if isinstance(content, c.TemplateContent):
        return msgspec.structs.replace(content, components=[_resolve_json(part, ids) for part in content.components])
    if isinstance(content, _WITH_MEDIA):
        return msgspec.structs.replace(content, media=_resolve(content.media, ids))
    if isinstance(content, _WITH_HEADER):
        return msgspec.structs.replace(content, header=_resolve_header(content.header, ids))
    if isinstance(content, c.Carousel):
        cards = [msgspec.structs.replace(card, header=_resolve_header(card.header, ids)) for card in content.cards]
        return msgspec.structs.replace(content, cards=cards)
    return content


def _resolve(ref: c.MediaRef, ids: Mapping[UUID, str]) -> c.MediaRef:
    return ref if ref.asset_id is None else c.MediaRef(id=ids[ref.asset_id])


def _resolve_header(header: c.Header | None, ids: Mapping[UUID, str]) -> c.Header | None:
    if header is None or header.media is None:
        return header
    return msgspec.structs.replace(header, media=_resolve(header.media, ids))


def _resolve_json(value: Any, ids: Mapping[UUID, str]) -> Any:
    if isinstance(value, list):
        return [_resolve_json(item, ids) for item in value]
    if not isinstance(value, dict):
        return value
    asset = _as_uuid(value["asset_id"]) if value.get("asset_id") is not None else None
    if asset is not None:
        rest = {name: item for name, item in value.items() if name != "asset_id"}
        return {**rest, "id": ids[asset]}
    return {name: _resolve_json(item, ids) for name, item in value.items()}
