"""What the worker runs for channels, written out for `sojourn/subscriptions.py`."""

from datetime import timedelta

from sojourn.channels.jobs import CheckSender, ConnectWebhook, FetchMedia, MarkRead
from sojourn.channels.whatsapp import tasks as whatsapp
from sojourn.channels.whatsapp.batcher import PARSER
from sojourn.kit.jobs import LEASED, Handler, Periodic, Poller

HANDLERS: tuple[Handler, ...] = (
    Handler(
        message=CheckSender,
        handle=whatsapp.check_senders,
        name="channels.check_senders",
        mode=LEASED,
        batch=50,
        max_attempts=5,
    ),
    Handler(
        message=ConnectWebhook,
        handle=whatsapp.connect_webhooks,
        name="channels.connect_webhooks",
        mode=LEASED,
        batch=10,
        max_attempts=3,
    ),
    Handler(
        message=FetchMedia,
        handle=whatsapp.fetch_media,
        name="channels.fetch_media",
        mode=LEASED,
        batch=16,
        max_attempts=12,
    ),
    Handler(
        message=MarkRead, handle=whatsapp.mark_read, name="channels.mark_read", mode=LEASED, batch=50, max_attempts=2
    ),
)
POLLERS: tuple[Poller, ...] = (
    Poller(
        name=PARSER,
        handle=whatsapp.parse_webhooks,
        next_due=whatsapp.next_webhook,
        busy=whatsapp.webhooks_wait,
    ),
)
PERIODICS: tuple[Periodic, ...] = (
    Periodic(name="channels.probe_senders", every=timedelta(minutes=15), handle=whatsapp.probe_senders),
)
