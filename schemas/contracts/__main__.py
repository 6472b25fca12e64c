"""Writes the contracts: `python -m schemas.contracts [FOLDER]`, without a folder beside itself."""

import sys
from pathlib import Path

from schemas.contracts.generate import contracts

folder = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent
for name, text in contracts().items():
    (folder / name).write_text(text, encoding="utf-8")
