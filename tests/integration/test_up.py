"""`cairn up` as somebody tries it, with other commands beside it."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from tests.integration.commands import CAIRN, cairn

_SOURCED = '. "$1/cairn.env" && env -0'


@pytest.mark.broker
@pytest.mark.database
async def test_other_commands_talk_to_it_with_the_settings_that_it_wrote(tmp_path: Path) -> None:
    folder = tmp_path / "an up"
    own = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    process = await asyncio.create_subprocess_exec(
        *(CAIRN, "up", "--data", str(folder)),
        env={**own, "CAIRN_SECRETS_KEY": "k" * 43 + "="},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(180):
            printed = (await process.stdout.readuntil(b"Cairn is up.")).decode()
        assert f"settings  . '{folder / 'cairn.env'}'" in printed
        assert stat.S_IMODE((folder / "cairn.env").stat().st_mode) == 0o600
        settings = await sourced(folder)
        assert "CAIRN_SECRETS_KEY" not in settings, "what is the user's own is not written to the disk"
        listed = await cairn("dlq", "list", settings=settings)
        assert (listed.status, "0 dead letters" in listed.out) == (0, True), listed.err
        assert "app" in (await cairn("sources", "--no-ask", settings=settings)).out
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


async def sourced(folder: Path) -> dict[str, str]:
    """The settings that a shell has which sourced the file."""
    shell = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", _SOURCED, "sh", str(folder)), env={}, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await shell.communicate()
    pairs = (line.partition("=") for line in out.decode().split("\0"))
    return {name: value for name, _, value in pairs if name.startswith("CAIRN_")}
