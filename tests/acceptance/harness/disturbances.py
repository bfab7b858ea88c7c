"""What may go wrong in the middle of a story."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Disturbance:
    """`restart`: SIGKILL of web, workers and database at the story's middle step, or at the n-th of its steps.

    `doubled`: every webhook comes twice. `shuffled`: each is late by up to three seconds, at random, so that they
    come in any order.
    """

    restart: bool = False
    restart_step: int | None = None
    doubled: bool = False
    shuffled: bool = False
    round: int = 0

    @property
    def name(self) -> str:
        """For the test's id."""
        parts = [
            f"restart{'' if self.restart_step is None else self.restart_step}" * self.restart,
            "doubled" * self.doubled,
            "shuffled" * self.shuffled,
        ]
        words = "-".join(part for part in parts if part) or "plain"
        return f"{words}-round{self.round}" if self.round else words


PLAIN = Disturbance()
ALL = Disturbance(restart=True, doubled=True, shuffled=True)
SOAK_ROUNDS = 3


def usual() -> list[Disturbance]:
    """What each run of the test suite does: once plain, once with all disturbances together."""
    return [PLAIN, ALL]


def matrix() -> list[Disturbance]:
    """What `make soak` does: restart × twice × shuffled × repeated; each round restarts at another step."""
    return [
        Disturbance(
            restart=restart, restart_step=number if restart else None, doubled=doubled, shuffled=shuffled,
            round=number + 1,
        )
        for number in range(SOAK_ROUNDS)
        for restart in (False, True)
        for doubled in (False, True)
        for shuffled in (False, True)
    ]  # fmt: skip
