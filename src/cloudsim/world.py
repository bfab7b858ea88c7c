"""The state of the simulated platform: portfolios, accounts, numbers, templates, people, messages. Memory only."""

from collections import Counter
from dataclasses import dataclass, field

from cloudsim.identifiers import business_scoped_id
from cloudsim.jsontypes import Json
from cloudsim.numbers import country_of
from cloudsim.settings import Behaviour

WINDOW_SECONDS = 24 * 3600.0
THIRTY_DAYS = 30 * 86400.0
TIERS = {
    "TIER_50": 50,
    "TIER_250": 250,
    "TIER_1K": 1000,
    "TIER_2K": 2000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
    "TIER_UNLIMITED": 0,
}


@dataclass(slots=True)
class Portfolio:
    id: str
    name: str = ""
    limit: str = "TIER_UNLIMITED"
    verified: bool = True
    reached: dict[str, float] = field(default_factory=dict)  # wa_id -> when it stops counting


@dataclass(slots=True)
class App:
    id: str
    name: str = ""
    secret: str = ""
    verify_token: str = ""
    callback_url: str = ""
    fields: set[str] = field(default_factory=set)  # empty: all
    dev_mode: bool = False
    require_proof: bool = False


@dataclass(slots=True)
class Token:
    value: str
    app_id: str
    scopes: frozenset[str]
    expires_at: float | None = None
    waba_ids: frozenset[str] = frozenset()  # empty: all
    user_id: str = "121212121212121"


@dataclass(slots=True)
class Override:
    url: str
    verify_token: str = ""


@dataclass(slots=True)
class Waba:
    id: str
    portfolio_id: str
    name: str = ""
    currency: str = "EUR"
    timezone: str = "UTC"
    payment_method: bool = True
    state: str = "ACTIVE"  # ACTIVE | RESTRICTED (368) | LOCKED (131031)
    paid_exempt: bool = False
    marketing_disabled: bool = False  # disable_marketing_messages_on_cloud_api
    subscriptions: dict[str, Override | None] = field(default_factory=dict)  # app id -> override
    calls: list[float] = field(default_factory=list)  # [hour, calls in it]
    created: list[float] = field(default_factory=list)  # template creations, virtual seconds
    blocked_names: dict[str, float] = field(default_factory=dict)  # deleted template name -> free again
    insights: bool = False


@dataclass(slots=True)
class Phone:
    id: str
    waba_id: str
    number: str  # international digits
    display: str
    verified_name: str = ""
    registered: bool = True
    pin: str = ""
    status: str = "CONNECTED"
    quality: str = "GREEN"
    name_status: str = "APPROVED"
    code_status: str = "VERIFIED"
    throughput_mps: int = 80
    maintenance: bool = False
    allow_list: list[str] | None = None  # a test number reaches these people only
    official: bool = False
    username: str = ""
    override: Override | None = None
    settings: Json = field(default_factory=dict)
    profile: Json = field(default_factory=dict)
    automation: Json = field(default_factory=dict)
    commerce: Json = field(default_factory=lambda: {"is_cart_enabled": True, "is_catalog_visible": False})
    codes: dict[str, Json] = field(default_factory=dict)  # message_qrdls
    blocked: dict[str, float] = field(default_factory=dict)  # wa_id -> when
    public_key: str = ""
    verification_code: str = ""
    attempts: dict[str, list[float]] = field(default_factory=dict)
    tokens: float = -1.0  # throughput bucket; -1: full
    tokens_at: float = 0.0
    retention_minutes: int = 0  # No Storage numbers
    metadata: Json = field(default_factory=dict)


@dataclass(slots=True)
class Person:
    """Kept small, with shared empty sets and tuples: a campaign makes a million of them."""

    wa_id: str
    name: str
    country: str
    username: str = ""
    on_whatsapp: bool = True
    receipts: bool = True
    online: bool = True
    locale: str = "en"
    capable: bool = True
    bsuids: dict[str, str] = field(default_factory=dict)  # portfolio id -> business-scoped id
    parent_bsuid: str = ""
    generation: int = 0
    has_blocked: frozenset[str] = frozenset()  # phone ids
    stopped: frozenset[str] = frozenset()  # portfolio ids whose marketing is unwanted
    contact_books: frozenset[str] = frozenset()  # portfolio ids that know the number
    behaviour: Behaviour | None = None  # None: the default
    marketing_cap: int | None = None
    marketing_at: tuple[float, ...] = ()
    fail_with: int = 0  # every message fails with this code
    identity: str = "identity-1"
    moved_to: str = ""
    listed: bool = False  # made on purpose, not by a message to an unknown number


@dataclass(slots=True)
class Thread:
    """What one business number and one person share."""

    phone_id: str
    wa_id: str
    window_until: float = 0.0
    fep_until: float = 0.0
    fep_limit: float = 0.0
    fep_offer_until: float = 0.0  # a reply until then opens the free entry point
    last_inbound_at: float = 0.0
    last_contact_at: float = 0.0
    pair_level: float = 45.0
    pair_at: float = 0.0
    burst: int = 0
    burst_at: float = 0.0
    count: int = 0
    messages: list[str] = field(default_factory=list)
    waiting: tuple[str, ...] = ()  # sent while the person was offline


@dataclass(slots=True)
class Message:
    id: str
    phone_id: str
    wa_id: str
    inbound: bool
    type: str
    at: float
    body: bytes | Json  # the request as it came, or the inbound message object
    template_id: str = ""
    category: str = "service"
    opaque: str | None = None
    to_bsuid: bool = False
    state: str = "accepted"  # accepted, held, sent, delivered, read, played, failed, expired; inbound: received
    times: dict[str, float] = field(default_factory=dict)
    error: int = 0
    error_details: str = ""
    pricing: Json | None = None
    fep: bool = False
    expires_at: float = 0.0
    plan: Json | None = None  # what a quota dealt to this message
    context_id: str = ""
    counted: bool = False  # holds a place in the portfolio limit
    tier_key: str = ""
    rolls: object = None
    identity_key: bool = False


@dataclass(slots=True)
class Template:
    id: str
    waba_id: str
    name: str
    language: str
    category: str
    components: list[Json]
    parameter_format: str = "POSITIONAL"
    status: str = "PENDING"
    quality: str = "UNKNOWN"
    quality_at: float = 0.0
    rejected_reason: str = "NONE"
    ttl_seconds: int | None = None
    previous_category: str = ""
    correct_category: str = ""
    sub_category: str = ""
    library_name: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    edits: list[float] = field(default_factory=list)
    pauses: int = 0
    unpause_at: float = 0.0
    reports: int = 0
    pacing: Json | None = None  # {"first_batch": n, "after_seconds": s, "verdict": "good"|"bad"}
    sends: int = 0
    held: list[str] = field(default_factory=list)
    max_price: bool = False
    click_tracking_off: bool = False
    shape: object = None  # graph.template_send.Shape, computed when first sent


@dataclass(slots=True)
class Media:
    id: str
    phone_id: str
    mime_type: str
    content: bytes
    sha256: bytes
    expires_at: float
    filename: str = ""
    url_hash: str = ""
    url_until: float = 0.0


@dataclass(slots=True)
class Flow:
    id: str
    waba_id: str
    name: str
    categories: list[str]
    status: str = "DRAFT"
    endpoint_uri: str = ""
    flow_json: str = ""
    validation_errors: list[Json] = field(default_factory=list)
    application_id: str = ""


@dataclass(slots=True)
class Upload:
    id: str
    app_id: str
    file_name: str
    file_length: int
    file_type: str
    expires_at: float
    content: bytearray = field(default_factory=bytearray)


Node = Portfolio | App | Waba | Phone | Template | Media | Flow


class World:
    def __init__(self) -> None:
        self.portfolios: dict[str, Portfolio] = {}
        self.apps: dict[str, App] = {}
        self.tokens: dict[str, Token] = {}
        self.wabas: dict[str, Waba] = {}
        self.phones: dict[str, Phone] = {}
        self.templates: dict[str, Template] = {}
        self.template_names: dict[tuple[str, str, str], Template] = {}
        self.flows: dict[str, Flow] = {}
        self.media: dict[str, Media] = {}
        self.uploads: dict[str, Upload] = {}
        self.handles: dict[str, Upload] = {}
        self.people: dict[str, Person] = {}
        self.aliases: dict[str, str] = {}
        self.bsuids: dict[str, tuple[str, str]] = {}  # business-scoped id -> (portfolio id, wa_id)
        self.threads: dict[tuple[str, str], Thread] = {}
        self.messages: dict[str, Message] = {}
        self.order: list[str] = []  # wamids as they came, both ways
        self.fixture_hosts: set[str] = set()
        self.link_cache: dict[str, tuple[float, str]] = {}  # url -> (until, error or "")
        self.usage: Counter[tuple[str, str, str]] = Counter()  # (tier key, month, "service") -> messages
        self.counts = Counts()

    def find_node(self, node_id: str) -> Node | None:
        for table in (self.phones, self.wabas, self.templates, self.media, self.flows, self.apps, self.portfolios):
            found = table.get(node_id)
            if found is not None:
                return found
        return None

    def person(self, wa_id: str, *, on_whatsapp: bool = True) -> Person:
        """The person behind a number; one nobody has spoken of is made up."""
        found = self.people.get(wa_id)
        if found is None:
            found = Person(wa_id, f"Person {wa_id[-4:]}", country_of(wa_id), on_whatsapp=on_whatsapp)
            self.people[wa_id] = found
        return found

    def bsuid(self, person: Person, portfolio_id: str) -> str:
        found = person.bsuids.get(portfolio_id)
        if found is None:
            found = business_scoped_id(person.country, portfolio_id, person.wa_id, person.generation)
            person.bsuids[portfolio_id] = found
            self.bsuids[found] = (portfolio_id, person.wa_id)
        return found

    def thread(self, phone_id: str, wa_id: str) -> Thread:
        found = self.threads.get((phone_id, wa_id))
        if found is None:
            found = self.threads[phone_id, wa_id] = Thread(phone_id, wa_id)
        return found

    def keep(self, message: Message, thread: Thread) -> None:
        self.messages[message.id] = message
        self.order.append(message.id)
        thread.messages.append(message.id)

    def portfolio_of(self, phone: Phone) -> Portfolio:
        return self.portfolios[self.wabas[phone.waba_id].portfolio_id]


class Counts:
    """Totals since the last reset, kept while things happen so that reading them costs nothing."""

    def __init__(self) -> None:
        self.accepted = 0
        self.inbound = 0
        self.by_recipient: Counter[str] = Counter()
        self.by_template: Counter[str] = Counter()
        self.by_type: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()  # synchronous errors by code
        self.unanswered = 0  # accepted, and the answer was lost on purpose
        self.expired = 0
        self.posts: Counter[str] = Counter()  # ok, failed, dropped, retried
        self.marked_read = 0
        self.clicks = 0
