"""The manual's page of keywords: `python -m sojourn.consents.keyword_page > docs/reference/keywords.md`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sojourn.consents.keywords import load_languages

HEAD = """# Keywords

Made from `src/sojourn/consents/data/keywords/` by `python -m sojourn.consents.keyword_page`; do not edit by hand.

A word counts as a **whole message or caption**. Case, accents, punctuation, held letters (`stooop`) and repeats
(`stop stop`) do not matter. All languages are known at once.

| Kind | When it counts | What happens |
|---|---|---|
| stop | always, also inside an open question | marketing on this channel and all its topics are withdrawn at once; \
one confirmation a person and day, with a button *Stop everything* |
| stop everything | always | marketing is withdrawn on every channel |
| start | always | confirms an open double opt-in; else asks with two buttons (double opt-in on) or grants (off) |
| help | always; behind an open question of a journey | the help text of the workspace |
| ordinary words | only while no question is open, in the person's language, the workspace's and English | as their \
kind; *yes* and *no* only answer an open double opt-in, anything else they mean is not for us |
| clear near miss (`please stop sending me these`, `stpo`) | always | as stop; the confirmation offers a way back |
| unclear near miss (`can you stop`) | always | marketing is held at once, two buttons ask; no answer keeps the hold |

Taps are matched by the id of the button, never by its label. `quick_reply_actions` in the workspace's settings gives
ids of your own templates a meaning: `{"stop_promos": "stop"}` (`stop`, `stop_all`).

A person gets at most `automatic_answers_an_hour` (5) automatic answers from one sender in an hour, and none to a
message that says the same for the third time within the hour: two robots that talk to each other come to an end.
Replies to a valid answer (yes or no to a double opt-in) and what journeys ask do not count. What is said takes effect,
answered or not.

Own words (`PUT /v1/keywords`) are added to these lists. They never take a built-in word away or change its meaning.
`POST /v1/keywords/test` says what a message would mean.

"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for data in load_languages():
        ordinary = data.get("ordinary", {})
        parts.append(f"## {data['language']}\n\n")
        parts.append("| Kind | Always | Only while no question is open |\n|---|---|---|\n")
        for kind, label in (("stop", "stop"), ("stop_all", "stop everything"), ("start", "start"), ("help", "help")):
            parts.append(f"| {label} | {_words(data.get(kind, []))} | {_words(ordinary.get(kind, []))} |\n")
        parts.append(f"| yes | | {_words(data.get('yes', []))} |\n")
        parts.append(f"| no | | {_words(data.get('no', []))} |\n\n")
    return "".join(parts).rstrip("\n") + "\n"


def _words(words: Sequence[str]) -> str:
    return ", ".join(words)


if __name__ == "__main__":
    sys.stdout.write(page())
