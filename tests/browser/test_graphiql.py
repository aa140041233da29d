"""GraphiQL, as a browser shows it that reaches nothing but this machine."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Request, async_playwright, expect

from orchestrator.domain.callers import Scope
from orchestrator.identity import tokens
from orchestrator.identity.keeping import Kept
from orchestrator.identity.means import Means
from tests.integration.http.serving import served
from tests.support.samples import a_council, a_deliberation, play
from tests.support.waiting import eventually
from tests.unit.api.doubles import House

pytestmark = pytest.mark.browser

_CHROMIUM = [
    # Nothing is looked up, so nothing but an address on this machine is reached.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    # Who tests in a container is root, as whom Chromium's own sandbox does not run.
    "--no-sandbox",
]

_OPERATION = """() => {
  const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}');
  return tabs?.[activeTabIndex]?.operationName ?? null;
}"""
"""What GraphiQL takes for the operation of the tab that it shows."""


@dataclass
class Shown:
    """The page, and what happened to it."""

    page: Page
    house: House
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What the browser said to its console that is an error, such as a violation of the policy."""
    frames: list[str] = field(default_factory=list)
    """What was sent over WebSockets."""

    def asked(self, request: Request) -> None:
        """Note what the page asks for."""
        self.requests.append(request)

    async def open(self, tab: str) -> None:
        """Show one of the examples; GraphiQL sees a moment later which operation is in it, and would run the one before."""
        await self.page.get_by_role("tab", name=tab).click()
        await eventually(self._operation, lambda operation: operation == tab)

    async def _operation(self) -> str | None:
        return await self.page.evaluate(_OPERATION)

    async def run(self) -> None:
        """Press the button."""
        await self.page.get_by_role("button", name="Execute query").click()

    async def fill_in(self, variables: dict[str, str]) -> None:
        """Write the variables."""
        editor = self.page.locator(".graphiql-editor-tool .CodeMirror").first
        await editor.click()
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.insert_text(json.dumps(variables))

    async def expect(self, text: str) -> None:
        """Wait until the answer says so."""
        await expect(self.page.locator(".result-window")).to_contain_text(text)


@pytest.fixture
async def shown() -> AsyncGenerator[Shown]:
    async with _shown(House()) as shown:
        yield shown


@asynccontextmanager
async def _shown(house: House) -> AsyncGenerator[Shown]:
    house.registry.add(a_council("dev"))
    house.archive.keep(*play(a_deliberation()))
    async with served(house) as url, _browsed() as page:
        shown = Shown(page, house)
        page.on("request", shown.asked)
        page.on(
            "console",
            lambda said: shown.complaints.append(said.text) if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: shown.complaints.append(str(error)))
        page.on(
            "websocket",
            lambda socket: socket.on("framesent", lambda sent: shown.frames.append(str(sent))),
        )
        await page.goto(url)
        await expect(page.get_by_role("button", name="Execute query")).to_be_visible()
        yield shown


@asynccontextmanager
async def _browsed() -> AsyncGenerator[Page]:
    path = shutil.which("chromium")
    assert path is not None, "make test-browser installs Chromium, or says how"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_CHROMIUM)
        try:
            yield await browser.new_page()
        finally:
            await browser.close()


async def test_page_runs_an_example_with_nothing_from_elsewhere_and_by_its_policy(
    shown: Shown,
) -> None:
    await shown.open("LookAround")
    await shown.run()
    await shown.expect('"version": "1.2.3"')

    assert {urlsplit(request.url).hostname for request in shown.requests} == {"127.0.0.1"}
    assert shown.complaints == []


async def test_every_example_has_a_tab(shown: Shown) -> None:
    names = ["LookAround", "Deliberate", "Newest", "Follow", "Verdict"]

    assert [tab.strip() for tab in await shown.page.get_by_role("tab").all_inner_texts()] == names


async def test_subscription_is_followed_to_its_end(shown: Shown) -> None:
    await shown.open("Follow")
    await shown.fill_in({"id": "dlb_1"})
    await shown.run()
    await shown.expect("DeliberationEnded")

    assert shown.complaints == []


async def test_token_goes_with_requests_and_connections_and_stays_with_the_tab(
    shown: Shown,
) -> None:
    await shown.page.get_by_label("Token").fill("a-token")
    await shown.page.get_by_role("button", name="Use it").click()
    await shown.open("LookAround")
    await shown.run()
    await shown.expect('"version"')
    await shown.open("Follow")
    await shown.fill_in({"id": "dlb_1"})
    await shown.run()
    await shown.expect("DeliberationEnded")

    asked = [request for request in shown.requests if request.method == "POST"]
    assert await asked[-1].header_value("authorization") == "Bearer a-token"
    assert any('"Authorization":"Bearer a-token"' in frame for frame in shown.frames)
    assert "a-token" not in await shown.page.evaluate("JSON.stringify(localStorage)")
    assert "a-token" not in shown.page.url


async def test_where_callers_show_tokens_the_page_is_for_everybody_and_what_it_asks_for_is_not() -> (
    None
):
    token, entry = tokens.create("ada", Scope.READ, None)
    async with _shown(House(means=Means(kept=Kept(str(entry), None)))) as shown:
        await shown.open("LookAround")
        await shown.run()
        await shown.expect("a token must be sent")

        await shown.page.get_by_label("Token").fill(token)
        await shown.page.get_by_role("button", name="Use it").click()
        await shown.run()
        await shown.expect('"version"')
        await shown.open("Follow")
        await shown.fill_in({"id": "dlb_1"})
        await shown.run()
        await shown.expect("DeliberationEnded")

        # The schema, which was refused at first, is asked for again with the token.
        await shown.page.get_by_role("button", name="Show Documentation Explorer").click()
        await expect(shown.page.get_by_role("link", name="UserError", exact=True)).to_be_attached()


async def test_what_an_answer_says_is_shown_and_not_run(shown: Shown) -> None:
    shown.house.state.version = "<img src=x onerror=\"document.title='owned'\">"
    await shown.open("LookAround")
    await shown.run()
    await shown.expect("onerror")

    assert await shown.page.title() == "graph-council"


_PUT_IN = """async elsewhere => {
  const refused = []
  const three = new Promise(done => {
    addEventListener("securitypolicyviolation", refusal => {
      refused.push(refusal.effectiveDirective)
      if (refused.length === 3) done(refused.sort())
    })
    setTimeout(() => done(refused), 10000)
  })
  const script = document.createElement("script")
  script.textContent = "document.title = 'owned'"
  document.body.append(script)
  await fetch(elsewhere, { mode: "no-cors" }).catch(() => {})
  try { new WebSocket(elsewhere.replace("http", "ws")) } catch {}
  return await three
}"""


async def test_policy_keeps_a_script_that_is_put_into_the_page_from_running_and_what_it_reads_from_leaving(
    shown: Shown,
) -> None:
    reached: list[str] = []

    def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append("something")
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0) as other:
        port: int = other.sockets[0].getsockname()[1]
        refused = await shown.page.evaluate(_PUT_IN, f"http://127.0.0.1:{port}/")

    assert refused == ["connect-src", "connect-src", "script-src-elem"]
    assert await shown.page.title() == "graph-council"
    assert reached == []
