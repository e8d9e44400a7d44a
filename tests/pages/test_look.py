"""Every page: usable by keyboard and screen reader, in light and dark, for admins, members and strangers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Response, expect

from tests.pages.desk import HOME, HOST, Desk

PAGES = {"": "overview", "jira": "jira", "jira/webhook": "jira-webhook", "access": "access", "health": "health"}
Sit = Callable[..., Desk]


@pytest.mark.parametrize("path", PAGES)
def test_look_of_an_empty_installation(desk: Sit, path: str) -> None:
    """Before anything is connected."""
    window = desk("olga")
    window.open(path)
    window.check(f"empty-{PAGES[path]}")


@pytest.mark.parametrize("path", ["", "jira", "jira/webhook", "access", "health", "repositories"])
def test_members_see_guidance(desk: Sit, path: str) -> None:
    """Without the permission: what to do, no form that changes anything."""
    window = desk("gus")
    page = window.open(path)
    expect(page.get_by_text("Write a comment with")).to_be_visible()
    expect(page.locator("form")).to_have_count(0)
    assert page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts() == [
        "Overview",
        "Your Jira account",
    ]
    if path == "access":
        window.check("member")


def test_strangers_are_asked_to_sign_in(desk: Sit) -> None:
    """Without a session of OpenHands: 401 and the way in."""
    window = desk()
    answer = window.page.goto(HOME + "access")
    assert answer is not None
    assert answer.status == 401
    expect(window.page.get_by_role("link", name="Sign in to OpenHands")).to_have_attribute("href", "/")
    window.check("sign-in")


def test_unknown_pages_and_forms_lead_back(desk: Sit) -> None:
    """A page that never was."""
    window = desk("olga")
    answer = window.page.goto(HOME + "nothing")
    assert answer is not None
    assert answer.status == 404
    window.page.get_by_role("link", name="Go to the overview").click()
    expect(window.page).to_have_url(HOME)
    window.page.goto(HOME.rstrip("/"))
    expect(window.page).to_have_url(HOME)


def test_headers_leave_no_door_open(desk: Sit) -> None:
    """Scripts and styles are files of ours, nothing frames the page, nobody keeps it."""
    window = desk("olga")
    answer = window.page.goto(HOME)
    assert answer is not None
    headers = answer.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    text = window.page.content()
    assert "<style" not in text
    assert " onclick=" not in text
    assert "<script>" not in text


def test_assets_are_kept_and_unknown_ones_are_not_there(desk: Sit) -> None:
    """By digest for good; a template is no asset; another version's address is answered but not kept."""
    page = desk("olga").open()
    style = page.locator("link[rel=stylesheet]").get_attribute("href") or ""
    address = f"https://{HOST}{style}"

    def get(url: str) -> Response:
        answer = page.goto(url)
        assert answer is not None
        return answer

    found = get(address)
    assert found.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in found.headers["cache-control"]
    older = get(address.replace(style.rpartition("/")[2][:12], "0" * 12))
    assert older.status == 200
    assert older.headers["cache-control"] == "no-store"
    for name in ("home.html", "layout.html", "nothing.css", "..%2fstyle.css"):
        assert get(address.replace("style.css", name)).status in (400, 404)


def test_keyboard_reaches_everything(desk: Sit) -> None:
    """The first stop skips the navigation; each stop is visible; Enter follows a link."""
    page = desk("olga").open()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => { const e = document.activeElement; const s = getComputedStyle(e);
            return [e.innerText || e.value, s.outlineStyle, parseFloat(s.outlineWidth)]; }"""
        )
        seen.append(focus[0])
        if focus[0] == "Choose repositories":
            assert focus[1] == "solid"
            assert focus[2] >= 2
            break
    assert seen[0] == "Set up Jira", seen
    page.keyboard.press("Enter")
    expect(page).to_have_url(HOME + "repositories")


def test_narrow_windows_need_no_sideways_scrolling(desk: Sit) -> None:
    """A phone's width, and text at twice its size."""
    window = desk("olga")
    for width in (320, 640):
        window.page.set_viewport_size({"width": width, "height": 700})
        for path in PAGES:
            page = window.open(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        window.picture(f"narrow-{width}")
