"""How the simulated world behaves. All of it can be changed while it runs: `POST /sim/behaviour`."""

from dataclasses import dataclass, field, fields

from cloudsim.jsontypes import Json, Unfit

Span = tuple[float, float]  # seconds (or milliseconds), evenly spread, deterministic by seed


@dataclass(slots=True)
class Behaviour:
    """What a person does with a message by itself. Delays are seconds after the step before."""

    sent_delay: Span = (0.3, 2.0)
    delivered_delay: Span = (0.5, 5.0)
    failed_delay: Span = (0.5, 3.0)
    read: float = 0.7  # probability
    read_delay: Span = (2.0, 60.0)
    replies: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class Settings:
    """Switches of the simulated platform; the defaults follow section 14 of the reference."""

    default: Behaviour = field(default_factory=Behaviour)
    latency_ms: Span = (80.0, 300.0)
    unknown_people_on_whatsapp: bool = True
    review_auto: bool = True
    review_delay: Span = (5.0, 120.0)
    recategorise: bool = True  # a mis-declared utility template is approved as marketing
    words_per_variable: int = 2
    throughput_async: bool = False
    throughput_http_status: int = 400
    window_sync: bool = False
    pair_limit: str = "bucket"  # bucket (45 at once, one back each 6 s) | borrow (strict) | off
    reaction_opens_window: bool = True
    us_marketing_blocked: bool = True
    marketing_cap: int = 0  # marketing messages delivered to one person in 24 h; 0 = no limit
    probabilities: dict[str, float] = field(default_factory=dict)  # "131049": 0.05, a person at a time
    portfolio_limit_code: int = 131048
    utility_in_window_charged: bool = True  # from 1 October 2026
    free_tier: int = 1000  # service messages a phone number and month; 0 = none
    free_tier_scope: str = "phone"  # phone | waba
    fep_hours: float = 72.0
    fep_extend_hours: float = 0.0
    fep_max_hours: float = 72.0
    pricing_on: str = "both"  # both | sent | delivered: where `pricing` appears
    phone_number_hidden: bool = True  # people with a username hide their number unless in touch within 30 days
    blank_wa_id_for_bsuid: bool = False  # older drafts: `wa_id: ""` instead of leaving it out
    management_calls_per_hour: int = 5000
    fetch_links: bool = True


def update(target: Behaviour | Settings, values: Json) -> None:
    """Set the named fields. Raises Unfit for a name or a value that does not fit."""
    known = {item.name: item for item in fields(target)}
    for name, value in values.items():
        if name not in known:
            raise Unfit(f"unknown setting {name!r}; known: {', '.join(sorted(known))}")
        current = getattr(target, name)
        if isinstance(current, Behaviour):
            update(current, value)
        elif isinstance(current, tuple):
            setattr(target, name, span(value))
        elif isinstance(current, bool) and name != "read":
            setattr(target, name, bool(value))
        elif isinstance(current, int | float):
            setattr(target, name, type(current)(value))
        else:
            if not isinstance(value, type(current)):
                raise Unfit(f"{name} must be a {type(current).__name__}")
            setattr(target, name, value)


def span(value: object) -> Span:
    """One number or a pair [low, high]."""
    if isinstance(value, int | float):
        return float(value), float(value)
    if isinstance(value, list | tuple) and len(value) == 2:
        return float(value[0]), float(value[1])
    raise Unfit("a delay is a number or a pair [low, high]")
