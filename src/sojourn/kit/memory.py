"""How a long-running process of ours uses Python's garbage collector."""

from __future__ import annotations

import gc

# Batches hold some hundred thousand small objects for a moment, hardly any in cycles. With Python's defaults (700, 10,
# 10) the collector walks them dozens of times a second: a tenth of the CPU of sending.
THRESHOLDS = (50_000, 50, 50)


def spare_collector() -> None:
    """Take what is loaded now out of the collector's sight, and have it look less often. To be called after imports."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
