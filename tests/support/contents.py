"""Hypothesis strategies for every kind of message content, within the channel's limits."""

import string
from typing import Any

from hypothesis import strategies as st

from sojourn.channels import content as c

WAMID = "wamid.HBgMNDQ3NzAwOTAwMTIzFQIAERgSOUM0MUUwN0JEMkE2NUYzODEwAA=="
LINE = string.ascii_letters + string.digits + " .,!?'-äöüßéçñ你好🙂😀"
MULTILINE = LINE + "\n"
KEY = string.ascii_letters + string.digits + "_-:."


def texts(most: int, alphabet: str = MULTILINE) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=min(most, 60)).filter(lambda text: bool(text.strip())) | st.just(
        "x" * most
    )


def lines(most: int) -> st.SearchStrategy[str]:
    return texts(most, LINE).map(str.strip).filter(bool)


def keys(most: int) -> st.SearchStrategy[str]:
    return st.text(KEY, min_size=1, max_size=most)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


links = st.sampled_from(
    ["https://tea.example/a.png", "http://tea.example/b?c=1&d=%20", "https://tea.example/" + "x" * 900]
)
media = links.map(lambda link: c.MediaRef(link=link))
header_texts = lines(60).map(lambda text: c.Header(kind="text", text=text))
header_media = st.builds(
    lambda kind, ref: c.Header(kind=kind, media=ref), st.sampled_from(["image", "video", "document"]), media
)
headers = optional(header_texts | header_media)
footers = optional(lines(60))
bodies = texts(1024)


def unique_buttons(kind: type[Any], most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(
        st.tuples(keys(256), lines(20)),
        min_size=1,
        max_size=most,
        unique_by=(lambda pair: pair[0], lambda pair: pair[1]),
    ).map(lambda pairs: [kind(id=id_, title=title) for id_, title in pairs])


@st.composite
def list_messages(draw: st.DrawFn) -> c.ListMessage:
    ids = draw(st.lists(keys(200), min_size=1, max_size=10, unique=True))
    cuts = draw(st.integers(1, len(ids)))
    groups = [ids[index::cuts] for index in range(cuts)]
    sections = [
        c.ListSection(
            title=draw(lines(24)),
            rows=[c.ListRow(id=id_, title=draw(lines(24)), description=draw(optional(lines(72)))) for id_ in group],
        )
        for group in groups
    ]
    return c.ListMessage(
        body=draw(texts(4096)),
        button=draw(lines(20)),
        sections=sections,
        header=draw(optional(header_texts)),
        footer=draw(footers),
    )


@st.composite
def carousels(draw: st.DrawFn) -> c.Carousel:
    count = draw(st.integers(2, 10))
    if draw(st.booleans()):
        cards = [
            c.Card(product=c.CardProduct(catalog_id="880011", product_retailer_id=draw(keys(40)))) for _ in range(count)
        ]
        return c.Carousel(body=draw(bodies), cards=cards)
    kind = draw(st.sampled_from(["image", "video"]))
    with_body, with_links = draw(st.booleans()), draw(st.booleans())
    number = draw(st.integers(1, 2))
    cards = []
    for _ in range(count):
        buttons = [c.CardButton(id=f"b{place}", title=f"Button {place}") for place in range(number)]
        cards.append(
            c.Card(
                header=c.Header(kind=kind, media=draw(media)),
                body=draw(lines(160)) if with_body else None,
                link=c.CardLink(display_text=draw(lines(20)), url=draw(links)) if with_links else None,
                buttons=None if with_links else buttons,
            )
        )
    return c.Carousel(body=draw(bodies), cards=cards)


@st.composite
def flows(draw: st.DrawFn) -> c.FlowMessage:
    navigate = draw(st.booleans())
    screen = draw(optional(st.just("SLOTS"))) if navigate else None
    by_id = draw(st.booleans())
    return c.FlowMessage(
        body=draw(bodies),
        cta=draw(lines(30)),
        flow_id="550011" if by_id else None,
        flow_name=None if by_id else "booking",
        flow_token=draw(optional(keys(60))),
        mode=draw(st.sampled_from(["published", "draft"])),
        action="navigate" if navigate else "data_exchange",
        screen=screen,
        data=draw(optional(st.just({"day": "Friday"}))) if screen else None,
        header=draw(headers),
        footer=draw(footers),
    )


@st.composite
def product_lists(draw: st.DrawFn) -> c.ProductList:
    sections = [
        c.ProductSection(title=draw(lines(24)), product_retailer_ids=draw(st.lists(keys(30), min_size=1, max_size=3)))
        for _ in range(draw(st.integers(1, 10)))
    ]
    return c.ProductList(
        header=draw(header_texts), body=draw(bodies), catalog_id="880011", sections=sections, footer=draw(footers)
    )


names = st.fixed_dictionaries(
    {"formatted_name": lines(40), "first_name": lines(20)}, optional={"last_name": lines(20), "prefix": lines(5)}
)
cards = st.fixed_dictionaries(
    {"name": names},
    optional={
        "phones": st.lists(
            st.fixed_dictionaries(
                {"phone": st.just("+447700900456")},
                optional={"type": st.just("WORK"), "wa_id": st.just("447700900456")},
            ),
            max_size=2,
        ),
        "emails": st.lists(st.fixed_dictionaries({"email": st.just("ines@tea.example")}), max_size=1),
        "org": st.fixed_dictionaries({"company": lines(30)}),
        "birthday": st.just("1990-02-28"),
        "urls": st.lists(st.fixed_dictionaries({"url": links}), max_size=1),
        "addresses": st.lists(st.fixed_dictionaries({"city": lines(20), "country_code": st.just("GB")}), max_size=1),
    },
)

# What the simulator takes; orders (India and Brazil) are answered "unknown" by it and are tested apart.
simulated: dict[str, st.SearchStrategy[c.Content]] = {
    "text": st.builds(lambda body, preview: c.Text(body=body, preview_url=preview), texts(4096), st.booleans()),
    "image": st.builds(lambda ref, caption: c.Image(media=ref, caption=caption), media, optional(texts(1024))),
    "video": st.builds(lambda ref, caption: c.Video(media=ref, caption=caption), media, optional(texts(1024))),
    "audio": st.builds(lambda ref, voice: c.Audio(media=ref, voice=voice), media, st.booleans()),
    "document": st.builds(
        lambda ref, caption, name: c.Document(media=ref, caption=caption, filename=name), media, optional(texts(1024)), optional(lines(60))
    ),
    "sticker": st.builds(lambda ref: c.Sticker(media=ref), media),
    "location": st.builds(
        lambda lat, lon, name, address: c.Location(latitude=lat, longitude=lon, name=name, address=address if name else None),
        st.floats(-90, 90),
        st.floats(-180, 180),
        optional(lines(60)),
        optional(lines(60)),
    ),
    "contacts": st.lists(cards, min_size=1, max_size=4).map(lambda items: c.Contacts(contacts=items)),
    "reaction": st.sampled_from(["", "👍", "❤️", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]).map(lambda emoji: c.Reaction(message_id=WAMID, emoji=emoji)),
    "buttons": st.builds(
        lambda body, buttons, header, footer: c.Buttons(body=body, buttons=buttons, header=header, footer=footer),
        bodies, unique_buttons(c.ReplyButton, 3), headers, footers,
    ),
    "list": list_messages(),
    "cta_url": st.builds(
        lambda body, text, url, header, footer: c.CtaUrl(body=body, display_text=text, url=url, header=header, footer=footer),
        bodies, lines(20), links, headers, footers,
    ),
    "location_request": bodies.map(lambda body: c.LocationRequest(body=body)),
    "contact_info_request": bodies.map(lambda body: c.ContactInfoRequest(body=body)),
    "call_permission": optional(bodies).map(lambda body: c.CallPermission(body=body)),
    "voice_call": st.builds(
        lambda body, text, ttl, payload: c.VoiceCall(body=body, display_text=text, ttl_minutes=ttl, payload=payload),
        bodies, optional(lines(20)), optional(st.integers(1, 43200)), optional(keys(60)),
    ),
    "product": st.builds(
        lambda body, footer: c.Product(catalog_id="880011", product_retailer_id="oolong-50", body=body, footer=footer), optional(bodies), footers
    ),
    "product_list": product_lists(),
    "catalog": st.builds(
        lambda body, thumbnail: c.CatalogMessage(body=body, thumbnail_product_retailer_id=thumbnail), bodies, optional(keys(30))
    ),
    "flow": flows(),
    "carousel": carousels(),
}  # fmt: skip

addresses: st.SearchStrategy[c.Content] = st.builds(
    lambda body, values, header: c.AddressRequest(body=body, values=values, header=header),
    bodies,
    optional(st.fixed_dictionaries({"name": lines(40), "in_pin_code": st.just("560001")})),
    headers,
)
