"""What a message says, before any channel has turned it into its own form.

`Content` is a closed union of small frozen structs told apart by the JSON field `type`. It is stored with
deliveries and messages, travels in the API, and is turned into a request body by the channel's own
`payloads` module. Limits are the channel's business and are checked there; here only the shape is checked.

Texts are complete: variables are already filled in. `TemplateContent.components` is the list of filled
components exactly as section 3.7 of the Cloud API reference shows them, except that a media object may carry
`asset_id` (our own media id) in place of `id` or `link`.
"""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec

from sojourn.kit.errors import FieldError, InvalidInput


class ContentInvalid(InvalidInput):
    """The given JSON is no message content: a field is missing, misspelled or of the wrong type."""

    code = "content_invalid"


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of a message; unknown fields are refused so that a misspelled one cannot vanish."""


class MediaRef(_Part, frozen=True, kw_only=True):
    """Where a file comes from: exactly one of the provider's id, a public URL, or one of our media assets."""

    id: str | None = None
    link: str | None = None
    asset_id: UUID | None = None


class Header(_Part, frozen=True, kw_only=True):
    """What stands above the body: a line of text, or one picture, film or document."""

    kind: Literal["text", "image", "video", "document"] = "text"
    text: str | None = None
    media: MediaRef | None = None
    filename: str | None = None


class Text(_Part, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Free text; `preview_url` asks for a preview of its first link."""

    body: str
    preview_url: bool = False


class Image(_Part, frozen=True, kw_only=True, tag_field="type", tag="image"):
    """A picture with an optional caption."""

    media: MediaRef
    caption: str | None = None


class Video(_Part, frozen=True, kw_only=True, tag_field="type", tag="video"):
    """A film with an optional caption."""

    media: MediaRef
    caption: str | None = None


class Audio(_Part, frozen=True, kw_only=True, tag_field="type", tag="audio"):
    """A sound file; `voice` shows it as a voice message (OGG with OPUS only)."""

    media: MediaRef
    voice: bool = False


class Document(_Part, frozen=True, kw_only=True, tag_field="type", tag="document"):
    """A file with the name that the person sees."""

    media: MediaRef
    caption: str | None = None
    filename: str | None = None


class Sticker(_Part, frozen=True, kw_only=True, tag_field="type", tag="sticker"):
    """A WebP sticker."""

    media: MediaRef


class Location(_Part, frozen=True, kw_only=True, tag_field="type", tag="location"):
    """A place in degrees; the address shows only together with a name."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class Contacts(_Part, frozen=True, kw_only=True, tag_field="type", tag="contacts"):
    """Contact cards in the form of section 2.7 of the Cloud API reference."""

    contacts: list[dict[str, Any]]


class Reaction(_Part, frozen=True, kw_only=True, tag_field="type", tag="reaction"):
    """An emoji on a message of the person; an empty one takes it back."""

    message_id: str
    emoji: str = ""


class ReplyButton(_Part, frozen=True, kw_only=True):
    """A button that answers; `id` comes back with the tap."""

    id: str
    title: str


class Buttons(_Part, frozen=True, kw_only=True, tag_field="type", tag="buttons"):
    """A question with one to three reply buttons."""

    body: str
    buttons: list[ReplyButton]
    header: Header | None = None
    footer: str | None = None


class ListRow(_Part, frozen=True, kw_only=True):
    """One choice of a list; `id` comes back with the tap."""

    id: str
    title: str
    description: str | None = None


class ListSection(_Part, frozen=True, kw_only=True):
    """Rows under a title; the title may be missing when there is one section only."""

    rows: list[ListRow]
    title: str | None = None


class ListMessage(_Part, frozen=True, kw_only=True, tag_field="type", tag="list"):
    """A question whose choices open in a sheet; at most ten rows in all sections together."""

    body: str
    button: str
    sections: list[ListSection]
    header: Header | None = None
    footer: str | None = None


class CtaUrl(_Part, frozen=True, kw_only=True, tag_field="type", tag="cta_url"):
    """A message with one button that opens a web page."""

    body: str
    display_text: str
    url: str
    header: Header | None = None
    footer: str | None = None


class LocationRequest(_Part, frozen=True, kw_only=True, tag_field="type", tag="location_request"):
    """Asks the person to send their location."""

    body: str


class AddressRequest(_Part, frozen=True, kw_only=True, tag_field="type", tag="address_request"):
    """Asks for a delivery address by form (India only)."""

    body: str
    country: str = "IN"
    values: dict[str, str] | None = None
    saved_addresses: list[dict[str, Any]] | None = None
    validation_errors: dict[str, str] | None = None
    header: Header | None = None
    footer: str | None = None


class ContactInfoRequest(_Part, frozen=True, kw_only=True, tag_field="type", tag="contact_info_request"):
    """Asks a person who shows only a username to share their number."""

    body: str


class CallPermission(_Part, frozen=True, kw_only=True, tag_field="type", tag="call_permission"):
    """Asks whether we may call."""

    body: str | None = None


class VoiceCall(_Part, frozen=True, kw_only=True, tag_field="type", tag="voice_call"):
    """A message with a button that calls us; valid for `ttl_minutes`."""

    body: str
    display_text: str | None = None
    ttl_minutes: int | None = None
    payload: str | None = None


class Product(_Part, frozen=True, kw_only=True, tag_field="type", tag="product"):
    """One product of the catalogue."""

    catalog_id: str
    product_retailer_id: str
    body: str | None = None
    footer: str | None = None


class ProductSection(_Part, frozen=True, kw_only=True):
    """Products under a title, by retailer id."""

    product_retailer_ids: list[str]
    title: str | None = None


class ProductList(_Part, frozen=True, kw_only=True, tag_field="type", tag="product_list"):
    """Up to thirty products of the catalogue in sections; the text header is required."""

    header: Header
    body: str
    catalog_id: str
    sections: list[ProductSection]
    footer: str | None = None


class CatalogMessage(_Part, frozen=True, kw_only=True, tag_field="type", tag="catalog"):
    """The whole catalogue behind one button."""

    body: str
    thumbnail_product_retailer_id: str | None = None
    footer: str | None = None


class FlowMessage(_Part, frozen=True, kw_only=True, tag_field="type", tag="flow"):
    """Opens a form (Flow) by id or name; `data` fills its first screen."""

    body: str
    cta: str
    flow_id: str | None = None
    flow_name: str | None = None
    flow_token: str | None = None
    mode: Literal["published", "draft"] = "published"
    action: Literal["navigate", "data_exchange"] = "navigate"
    screen: str | None = None
    data: dict[str, Any] | None = None
    header: Header | None = None
    footer: str | None = None


class CardLink(_Part, frozen=True, kw_only=True):
    """The one link button of a carousel card."""

    display_text: str
    url: str


class CardButton(_Part, frozen=True, kw_only=True):
    """A quick reply of a carousel card."""

    id: str
    title: str


class CardProduct(_Part, frozen=True, kw_only=True):
    """The product that a carousel card shows."""

    catalog_id: str
    product_retailer_id: str


class Card(_Part, frozen=True, kw_only=True):
    """One card: a media card (header with `link` or `buttons`) or a product card (`product`)."""

    header: Header | None = None
    body: str | None = None
    link: CardLink | None = None
    buttons: list[CardButton] | None = None
    product: CardProduct | None = None


class Carousel(_Part, frozen=True, kw_only=True, tag_field="type", tag="carousel"):
    """Two to ten cards under one text."""

    body: str
    cards: list[Card]


class OrderDetails(_Part, frozen=True, kw_only=True, tag_field="type", tag="order_details"):
    """An order to review and pay (India, Brazil); `parameters` as in section 11.4 of the Cloud API reference."""

    body: str
    parameters: dict[str, Any]
    header: Header | None = None
    footer: str | None = None


class OrderStatus(_Part, frozen=True, kw_only=True, tag_field="type", tag="order_status"):
    """News about an order sent as order details before."""

    body: str
    reference_id: str
    status: str
    description: str | None = None
    payment: dict[str, Any] | None = None
    footer: str | None = None


class TemplateContent(_Part, frozen=True, kw_only=True, tag_field="type", tag="template"):
    """An approved template in one language with its filled components; `category` as Meta bills it, lower case."""

    name: str
    language: str
    components: list[dict[str, Any]] = []
    category: str | None = None
    template_id: UUID | None = None


Content = (
    Text
    | Image
    | Video
    | Audio
    | Document
    | Sticker
    | Location
    | Contacts
    | Reaction
    | Buttons
    | ListMessage
    | CtaUrl
    | LocationRequest
    | AddressRequest
    | ContactInfoRequest
    | CallPermission
    | VoiceCall
    | Product
    | ProductList
    | CatalogMessage
    | FlowMessage
    | Carousel
    | OrderDetails
    | OrderStatus
    | TemplateContent
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Content] = msgspec.json.Decoder(Content)


def encode_content(content: Content) -> bytes:
    """Return the JSON of a content as bytes; fields at their default are left out."""
    return _encoder.encode(content)


def content_to_dict(content: Content) -> dict[str, Any]:
    """Return a content as JSON-able values (UUIDs as text), fit for a jsonb column or an API answer."""
    data: dict[str, Any] = msgspec.to_builtins(content)
    return data


def decode_content(data: bytes | str | Mapping[str, Any]) -> Content:
    """Read a content from JSON bytes, text, or decoded values.

    Raises ContentInvalid with the path of the first mistake.
    """
    try:
        if isinstance(data, bytes | str):
            return _decoder.decode(data)
        content: Content = msgspec.convert(data, Content)
        return content
    except msgspec.MsgspecError as error:
        raise ContentInvalid([_to_field_error(str(error))]) from error


def _to_field_error(message: str) -> FieldError:
    """Take the path out of a message such as "Expected `str`, got `int` - at `$.buttons[0].title`"."""
    text, _, path = message.partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    return FieldError(field=field or "content", code="invalid_shape", message=text.replace("`", "'"))
