"""Makes the page of errors: `python -m sojourn.channels.error_page > docs/reference/errors.md`."""

import sys

from sojourn.channels.whatsapp.errors import CatalogueEntry, load_catalogue

HEAD = """# Error codes of WhatsApp

Made from `src/sojourn/channels/data/whatsapp-errors.csv` by `python -m sojourn.channels.error_page`; do not edit by
hand. The same list is served by `GET /v1/error-catalogue`.

*Where*: `sync` comes in the answer to a call, `webhook` in a status later, `both` either way. *Reaction* is what
Sojourn does by itself:

| Reaction | What happens |
|---|---|
| `retry_later` | the provider is in trouble: the message goes again with growing waits |
| `retry_at_once` | something of ours had expired (an uploaded file): renewed, and sent again |
| `rate_limit` | the sender slows down, the message goes again |
| `pair_limit` | too many messages to this one person: again after 6 s, then ever longer |
| `portfolio_limit` | the quota of people a day is used up: again after an hour |
| `saturated` | the platform spares this person more marketing: at least 24 hours of rest |
| `template_off` | the template variant is not used until Meta approves it again |
| `sender_stop`, `billing`, `auth` | the sender stops, a person is told; what is queued waits |
| `person_unreachable` | this number is marked as not reachable on WhatsApp until the person writes |
| `platform_opt_out` | marketing to this person stops until they resume it on the platform |
| `window_closed` | the service window is closed: only templates until the person writes |
| `country` | this account may not message that country |
| `invalid` | our request is wrong: this message fails, the same bytes never succeed |
| `needs_human` | something must be configured first: this message fails, a person is told |
| `never` | this message fails, nothing follows for person, template or sender |

A code that is not listed: with HTTP 5xx or 429 it is `retry_later`, else `never`.

| Code | HTTP | Title | Where | Reaction | Cause | Advice |
|---:|---:|---|---|---|---|---|
"""


def make_page() -> str:
    """The whole page."""
    rows = [_row(entry) for _, entry in sorted(load_catalogue().items())]
    return HEAD + "\n".join(rows) + "\n"


def _row(entry: CatalogueEntry) -> str:
    cells = (
        entry.code,
        entry.http_status or "–",
        entry.title,
        entry.where,
        f"`{entry.reaction}`",
        entry.cause,
        entry.advice,
    )
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(make_page())
