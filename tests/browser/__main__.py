"""`python -m tests.browser`: plays the inbox component in the machine's Chromium, against the real service.

Not a part of `make test`: no package of the suite brings a browser. Ends with the first claim that fails.
"""

import asyncio
import sys

from tests.browser.chromium import NoBrowser, Page, chromium_page
from tests.browser.stage import Stage, stage, token

_PORT, _HOST_PORT = 8701, 8702
INBOX = "document.querySelector('cairn-inbox')"
ROOT = f"{INBOX}.shadowRoot"
EVIL = (
    "<p>Fine <script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'><a href='javascript:hurt=1'>no</a>"
    "<svg onload='window.hurt = 1'></svg><strong>bold</strong> <a href='https://northstar.example/x'>yes</a></p>"
)


def claim(text: str, holds: object) -> None:
    """One thing that has to be so."""
    print(f"{'ok' if holds else 'NO'}  {text}")  # noqa: T201 - the output of this program
    if not holds:
        raise AssertionError(text)


def titled(title: str) -> str:
    """The row of the message with that title."""
    return (
        f"[...{ROOT}.querySelectorAll('li.item')].find((row) => row.querySelector('.title').textContent === {title!r})"
    )


async def open_page(page: Page, address: str) -> None:
    await page.call("Page.navigate", url=address)
    await page.until(f"!!{INBOX} && !!{ROOT} && {ROOT}.querySelectorAll('li.item').length > 0")
    await page.run(
        "void (window.heard = [], ['cairn-unread', 'cairn-read', 'cairn-expired'].forEach("
        "(name) => document.addEventListener(name, (event) => heard.push(name))))"
    )


async def play_reading(page: Page, play: Stage) -> None:
    claim("the first page is shown, newest first", await page.run(f"{ROOT}.querySelectorAll('li.item').length") == 20)
    claim("the unread are counted", await page.run(f"{INBOX}.unread") == 2)
    claim("a title is text", await page.run(f"!!{titled('Look <b>here</b>')}"))
    await page.run(f"{titled('Look <b>here</b>')}.querySelector('.open').focus()")
    await page.press("Enter")
    is_open = f"{titled('Look <b>here</b>')}.querySelector('.open').getAttribute('aria-expanded') === 'true'"
    claim("the keyboard opens a message", await page.until(is_open))
    body = await page.run(f"{titled('Look <b>here</b>')}.querySelector('.body').innerHTML")
    claim(
        "only known elements are built",
        not any(word in body for word in ("script", "onerror", "onload", "<svg", "<img")),
    )
    claim("what is harmless stays", "<strong>bold</strong>" in body or body == "<p>plain</p>")
    claim("nothing in a message runs", await page.run("window.hurt === undefined"))
    await page.until("heard.includes('cairn-read')")
    claim("opening is reading, in the ledger too", "evil" not in await play.unread())
    await page.press("ArrowUp")
    focused = await page.run(f"{ROOT}.activeElement.querySelector('.title').textContent")
    claim("arrow keys go through the messages", focused == "Thirty days in a row")
    await play.put("live", "Just now")
    claim("a new message arrives by itself", await page.until(f"!!{titled('Just now')}"))
    claim(
        "it is said to who cannot see it",
        "Just now" in await page.run(f"{ROOT}.querySelector('[role=status]').textContent"),
    )
    claim("what is open stays open", await page.run(is_open))
    await page.run(f"{ROOT}.querySelector('.older').click()")
    claim("older ones follow", await page.until(f"{ROOT}.querySelectorAll('li.item').length === 26"))


async def play_outage(page: Page, play: Stage) -> None:
    await play.go()
    await asyncio.sleep(3)
    claim(
        "while the service is away everything stays", await page.run(f"{ROOT}.querySelectorAll('li.item').length") == 26
    )
    await play.put("after", "After the outage")
    await play.come(_PORT)
    claim("it comes back by itself", await page.until(f"!!{titled('After the outage')}", seconds=70))
    await page.run(f"{ROOT}.querySelector('header button').click()")
    await page.until(f"{INBOX}.unread === 0")
    await page.until("heard.filter((name) => name === 'cairn-read').length >= 4")
    claim("all are read at once, in the ledger too", not await play.unread())
    claim("the focus is not lost", await page.run(f"!!{ROOT}.activeElement"))


async def play_tokens(page: Page) -> None:
    await page.run(f"void ({INBOX}.token = 'not.a.token')")
    claim("a refused token is told", await page.until("heard.includes('cairn-expired')"))
    asked = len(page.addresses)
    await asyncio.sleep(3)
    claim("and nothing more is asked", len(page.addresses) == asked)
    await page.run(f"void ({INBOX}.token = '{token()}')")
    claim("a new one brings the messages back", await page.until(f"{ROOT}.querySelectorAll('li.item').length > 0"))
    await page.run(f"void ({INBOX}.token = '{token(seconds=1800)}')")
    claim("a renewed one keeps them", await page.run(f"{ROOT}.querySelectorAll('li.item').length > 0"))
    claim("no token stands in an address", not any("eyJ" in address for address in page.addresses))
    await page.run(f"{INBOX}.remove()")
    asked = len(page.addresses)
    await asyncio.sleep(2)
    claim("an element that is taken away is silent", len(page.addresses) == asked)


async def main() -> int:
    """Every play, on a page with a strict policy, with one that requires Trusted Types, and with none."""
    async with stage(_PORT, _HOST_PORT) as play:
        for number in range(23):
            await play.put(f"old-{number}", f"Session {number + 1} done")
        await play.pool.execute("UPDATE inbox SET read_at = now()")
        await play.put("evil", "Look <b>here</b>", "plain", EVIL)
        await play.put("thirty", "Thirty days in a row")
        async with chromium_page() as page:
            await open_page(page, play.page)
            await play_reading(page, play)
            await play_outage(page, play)
            await play_tokens(page)
            for policy in ("types", "open"):
                await open_page(page, f"{play.page}?{policy}")
                await page.run(f"{titled('Look <b>here</b>')}.querySelector('.open').click()")
                claim(f"policy {policy}: nothing in a message runs", await page.run("window.hurt === undefined"))
            claim("nothing was thrown into the page", not page.thrown)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except NoBrowser as error:
        print(error, file=sys.stderr)  # noqa: T201 - the output of this program
        sys.exit(2)
