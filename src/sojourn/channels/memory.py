"""A channel that only remembers, for tests and previews: no network, no provider."""

from collections import deque
from collections.abc import Callable, Sequence

from sojourn.channels.base import Accepted, OutboundMessage, Result
from sojourn.kit.jobs import Work

Answer = Callable[[OutboundMessage], Result]


class Memory:
    """What was sent in this process, and what to answer next; without an answer in store a message is accepted."""

    def __init__(self) -> None:
        self.sent: list[OutboundMessage] = []
        self.answers: deque[Answer] = deque()

    def clear(self) -> None:
        """Forget everything."""
        self.sent.clear()
        self.answers.clear()

    def send(self, message: OutboundMessage) -> Result:
        """Remember one message and answer."""
        self.sent.append(message)
        return self.answers.popleft()(message) if self.answers else accept(message)


def accept(message: OutboundMessage) -> Result:
    """The usual answer."""
    return Accepted(attempt_id=message.attempt_id, provider_message_id=f"memory.{message.attempt_id}")


memory = Memory()


async def send_batch(work: Work, messages: Sequence[OutboundMessage]) -> list[Result]:
    """Remember messages; one result each."""
    return [memory.send(message) for message in messages]
