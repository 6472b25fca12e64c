"""Accessibility of what clients read: axe-core over the gallery, in the machine's Chromium, in light and dark.

`make accessibility` runs it: it writes the gallery, opens one mail of each scene and every page, and prints each
breach of WCAG 2.2 A and AA. It is no part of `make test`, since a browser is no part of what Cairn needs. axe-core is
pinned by content in `axe/package-lock.json`, like everything that `tests.toolchains` brings.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from agents.channels.render import Renderer
from agents.preview.gallery import write_gallery
from tests.toolchains import node, node_modules

_AXE = Path(__file__).with_name("axe")
_GALLERY = Path("build/preview")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 1800


def main() -> int:
    """Exit status 0 when nothing was found, 1 when something was, 2 without a browser."""
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        sys.stderr.write("No Chromium here: install one, or name it in CHROMIUM.\n")
        return 2
    shutil.rmtree(_GALLERY, ignore_errors=True)
    write_gallery({}, _GALLERY, Renderer())
    command = [str(node()), str(_AXE / "check.mjs"), str(node_modules(_AXE)), browser, str(_GALLERY)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)
    report = json.loads(done.stdout)
    for found in report["found"]:
        sys.stdout.write("{page} ({colorScheme}): {help} [{id}], {count} times: {example}\n".format(**found))
    sys.stdout.write(f"{report['pages']} pages in light and dark, {len(report['found'])} breaches.\n")
    return 1 if report["found"] else 0


if __name__ == "__main__":
    sys.exit(main())
