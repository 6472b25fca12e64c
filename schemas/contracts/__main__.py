"""Writes the contracts beside itself: `python -m schemas.contracts`."""

from pathlib import Path

from schemas.contracts.generate import contracts

for name, text in contracts().items():
    Path(__file__).with_name(name).write_text(text, encoding="utf-8")
