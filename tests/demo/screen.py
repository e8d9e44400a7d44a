"""Lines for people: the time, who acts, what happens; colour only on a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

COLOURS = {"jira": "33", "bitbucket": "36", "ingress": "35", "linker": "34", "dispatcher": "32"}
PLAIN = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))


def paint(text: str, code: str) -> str:
    """Text in a colour, or as it is."""
    return text if PLAIN or not code else f"\x1b[{code}m{text}\x1b[0m"


def line(at: float, who: str, text: str) -> None:
    """One event."""
    clock = datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
    code = COLOURS.get(who.split(maxsplit=1)[0].lower(), "37")
    print(f"  {paint(clock, '2')}  {paint(f'{who:<11}', code)} {text}", flush=True)


def title(text: str) -> None:
    """Start of a part."""
    print(f"\n{paint(text, '1')}", flush=True)


@contextmanager
def working(text: str) -> Iterator[None]:
    """A step that may take a while: says so after two seconds, and how long it took at the end."""
    done = threading.Event()
    began = time.monotonic()

    def remind() -> None:
        while not done.wait(2):
            spent = time.monotonic() - began
            print(f"  … {text}: {spent:.0f} s", flush=True)

    reminder = threading.Thread(target=remind, daemon=True)
    reminder.start()
    try:
        yield
    finally:
        done.set()
        reminder.join()
    print(f"  {paint('✓', '32')} {text} ({time.monotonic() - began:.1f} s)", flush=True)
