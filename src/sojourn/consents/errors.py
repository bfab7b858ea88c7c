"""What can be wrong with a change of consent."""

from __future__ import annotations

from sojourn.kit.errors import AppError, Kind


class ConsentInFuture(AppError):
    """A consent cannot take effect in the future: record it when it is given."""

    code = "consent_in_future"


class EvidenceMissing(AppError):
    """A grant needs evidence: what was shown or said, where, or by which form."""

    code = "evidence_missing"


class ProfileErased(AppError):
    """This person was erased; nothing can be recorded about them."""

    kind = Kind.CONFLICT
    code = "profile_erased"


class UnknownSuppression(AppError):
    """There is no suppression with this id."""

    kind = Kind.NOT_FOUND
    code = "unknown_suppression"


class UnknownForm(AppError):
    """There is no opt-in form with this name, or it is closed."""

    kind = Kind.NOT_FOUND
    code = "unknown_form"


class UnknownWording(AppError):
    """The form has no wording with this hash or language: what the person saw cannot be proved."""

    code = "unknown_wording"


class SlugTaken(AppError):
    """Another workspace already uses this name in the address of a form."""

    kind = Kind.CONFLICT
    code = "slug_taken"


class UnknownLink(AppError):
    """There is no opt-in link with this id."""

    kind = Kind.NOT_FOUND
    code = "unknown_link"


class TooManySubmissions(AppError):
    """This client sent too many forms; try again later."""

    kind = Kind.RATE_LIMITED
    code = "too_many_submissions"
