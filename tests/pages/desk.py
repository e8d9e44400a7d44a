"""A person at a browser: Debian's chromium in front of the real services, with the address bar that people see."""

from __future__ import annotations

import os
import re
import shutil
from typing import Any, ClassVar

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.sim.client import ROOT

HOST = "app.example.com"
HOME = f"https://{HOST}/integration/dc/"
PICTURES = ROOT / "build" / "pages"
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def launch(playwright: Playwright, port: int) -> Browser:
    """Chromium that finds the app's host at a port of this machine and nothing outside."""
    path = os.environ.get("OHDC_CHROMIUM") or shutil.which("chromium")
    assert path, "chromium is missing: run make deps"
    rules = f"MAP {HOST} 127.0.0.1:{port}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    return playwright.chromium.launch(
        executable_path=path, args=[*FLAGS, f"--host-resolver-rules={rules}"], chromium_sandbox=False
    )


class Desk:
    """One person's window; everything the browser complains about is kept in `complaints`."""

    checked: ClassVar[set[str]] = set()

    def __init__(self, browser: Browser, session: str | None, **more: Any) -> None:
        self.context: BrowserContext = browser.new_context(
            ignore_https_errors=True, viewport={"width": 1100, "height": 800}, locale="en-GB", **more
        )
        self.context.set_default_timeout(15000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if session:
            self.page.goto(f"https://{HOST}/_front/sign-in?session={session}&to=/settings/integrations")

    def _note(self, kind: str, text: str) -> None:
        if kind == "error" and not re.search("status of (4|5)", text):
            self.complaints.append(text)

    def open(self, path: str = "") -> Page:
        """One of our pages: path below /integration/dc/."""
        self.page.goto(HOME + path)
        return self.page

    def text(self) -> str:
        """What the page says."""
        return self.page.inner_text("body")

    def picture(self, name: str) -> None:
        """A picture of the whole page for looking at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)

    def check(self, name: str) -> None:
        """Picture and accessibility of what is open, in light and dark; once for each name."""
        if name in self.checked:
            return
        self.checked.add(name)
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            self.picture(f"{name}-{scheme}")
            found = Axe().run(self.page)
            assert found.violations_count == 0, found.generate_report()
        self.page.emulate_media(color_scheme="light")
        assert self.complaints == []

    def close(self) -> None:
        """Close the window; nothing may have been complained about."""
        self.context.close()
        assert self.complaints == []
