"""A headless Chromium that the machine has, spoken to over its DevTools protocol."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_POLL_SECONDS = 0.1


class NoBrowser(Exception):
    """The machine has no Chromium; the text says what to do."""


@dataclass
class Page:
    """One page, with what it complained about."""

    socket: ClientWebSocketResponse
    thrown: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    _answers: dict[int, "asyncio.Future[dict[str, Any]]"] = field(default_factory=dict)
    _sent: int = 0

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol."""
        self._sent += 1
        answer = self._answers[self._sent] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": self._sent, "method": method, "params": params})
        async with asyncio.timeout(20):
            return await answer

    async def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        said = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in said:
            raise AssertionError(f"{script}: {said['exceptionDetails']}")
        return said["result"].get("value")

    async def until(self, script: str, seconds: float = 20) -> Any:
        """Wait until an expression holds."""
        async with asyncio.timeout(seconds):
            while True:
                if value := await self.run(script):
                    return value
                await asyncio.sleep(_POLL_SECONDS)

    async def press(self, key: str) -> None:
        """A key, as a person presses it."""
        text = "\r" if key == "Enter" else ""
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def listen(self) -> None:
        """Take in what the browser says, until it ends."""
        async for message in self.socket:
            said = json.loads(message.data)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said.get("result", {}))
            elif said["method"] == "Runtime.exceptionThrown":
                self.thrown.append(str(said["params"]["exceptionDetails"]))
            elif said["method"] == "Network.requestWillBeSent":
                self.addresses.append(said["params"]["request"]["url"])


@asynccontextmanager
async def chromium_page(width_px: int = 390, height_px: int = 780) -> AsyncIterator[Page]:
    """A new page of a new browser.

    Raises:
        NoBrowser: there is none on the path.
    """
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        raise NoBrowser("no Chromium on the path: install one, as in `apt-get install chromium`")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
        )
        browser = await asyncio.create_subprocess_exec(
            program,
            *options,
            f"--window-size={width_px},{height_px}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with ClientSession() as http, http.ws_connect(await _address(http, Path(profile))) as socket:
                page = Page(socket=socket)
                listening = asyncio.create_task(page.listen())
                for domain in ("Page", "Runtime", "Network"):
                    await page.call(f"{domain}.enable")
                yield page
                listening.cancel()
        finally:
            browser.terminate()
            await browser.wait()


async def _address(http: ClientSession, profile: Path) -> str:
    """Where the browser's one page is spoken to."""
    port_file = profile / "DevToolsActivePort"
    async with asyncio.timeout(60):
        while True:
            if port_file.exists() and (port := port_file.read_text().partition("\n")[0]):
                break
            await asyncio.sleep(_POLL_SECONDS)
    async with http.get(f"http://127.0.0.1:{port}/json/list") as response:
        targets = await response.json()
    return str(next(target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page"))
