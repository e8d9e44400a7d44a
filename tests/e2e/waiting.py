"""Waiting for a condition with a deadline: the only way these tests wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], deadline: float = 20.0, what: str = "", every: float = 0.05) -> T:
    """Poll until the condition is true and return its value; fail with what it last was."""
    end = time.monotonic() + deadline
    last: object = None
    while True:
        last = condition()
        if last:
            return last
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what or condition} (last: {last!r})")
        time.sleep(every)
