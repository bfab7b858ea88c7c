"""Throughput of a number and pace towards one person, on the virtual clock (reference 7)."""

from cloudsim.world import Phone, Thread

PAIR_BURST = 45
PAIR_SECONDS = 6.0


def take_throughput(phone: Phone, now: float) -> bool:
    """One second's worth of messages may go at once; False when the bucket is empty."""
    rate = float(phone.throughput_mps)
    if phone.tokens < 0 or now < phone.tokens_at:
        phone.tokens = rate
    else:
        phone.tokens = min(rate, phone.tokens + (now - phone.tokens_at) * rate)
    phone.tokens_at = now
    if phone.tokens < 1.0:
        return False
    phone.tokens -= 1.0
    return True


def take_pair(thread: Thread, now: float, model: str) -> bool:
    """`bucket`: 45 at once, one back each 6 s. `borrow`: after a burst of n nothing for 6 n seconds. `off`: always."""
    if model == "off":
        return True
    if model == "borrow":
        return _borrow(thread, now)
    gained = max(0.0, now - thread.pair_at) / PAIR_SECONDS
    level = min(float(PAIR_BURST), thread.pair_level + gained)
    thread.pair_at = now
    thread.pair_level = level
    if level < 1.0:
        return False
    thread.pair_level = level - 1.0
    return True


def _borrow(thread: Thread, now: float) -> bool:
    in_burst = now - thread.burst_at < PAIR_SECONDS
    if in_burst and thread.burst < PAIR_BURST:
        thread.burst += 1
        return True
    if not in_burst and now >= thread.burst_at + thread.burst * PAIR_SECONDS:
        thread.burst_at, thread.burst = now, 1
        return True
    return False
