"""Which language variant a person gets. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sojourn.templates.model import LogicalTemplate, Variant, VariantState

GONE = frozenset({VariantState.DELETED, VariantState.PENDING_DELETION, VariantState.ARCHIVED})


def normalise_language(code: str) -> str:
    """A language as the provider writes it: `en-gb` is `en_GB`."""
    base, _, region = code.strip().replace("-", "_").partition("_")
    return f"{base.lower()}_{region.upper()}" if region else base.lower()


def fallback_chain(wanted: Sequence[str], default: str) -> list[str]:
    """Languages to try, best first: each wanted one, then it without its country, then the default likewise."""
    chain: list[str] = []
    for code in (*wanted, default):
        if code:
            language = normalise_language(code)
            chain += [language, language.partition("_")[0]]
    return list(dict.fromkeys(chain))


def choose_variant(template: LogicalTemplate, wanted: Sequence[str], default: str) -> Variant | None:
    """The best approved variant along the fallback chain: wanted languages, the template's own, the workspace's.

    Belgian Dutch falls back to Dutch, and to another country's Dutch before it falls back to another language. Where
    nothing along the chain is approved, the best that is not: its state is the reason why nothing leaves. None when no
    language of the chain is there at all.
    """
    found = list(_candidates(template, fallback_chain([*wanted, template.default_language], default)))
    approved = (variant for variant in found if variant.state == VariantState.APPROVED)
    return next(approved, None) or next((variant for variant in found if variant.state not in GONE), None)


def _candidates(template: LogicalTemplate, chain: Sequence[str]) -> Iterator[Variant]:
    for language in chain:
        exact = template.variants.get(language)
        if exact is not None:
            yield exact
        if "_" not in language:
            cousins = sorted(code for code in template.variants if code.startswith(f"{language}_"))
            yield from (template.variants[code] for code in cousins)
