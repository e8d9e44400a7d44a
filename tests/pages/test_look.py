"""Every page: nothing that a keyboard or a screen reader cannot use, in light and dark, without and with data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.pages.desk import Desk

PAGES = {"": "overview", "access": "access", "repositories": "repositories", "health": "health"}


@pytest.mark.parametrize("path", PAGES)
def test_look_of_an_empty_installation(desk: Callable[..., Desk], path: str) -> None:
    """Before anything is connected."""
    window = desk("olga")
    window.open(path)
    window.check(f"empty-{PAGES[path]}")
