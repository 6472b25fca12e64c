"""What Cairn's own metrics say, read from the page that Prometheus reads."""

import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from agents.embedded.ports import LOOPBACK
from tests.benchmarks.stage import Stage


def scrape(stage: Stage, process: str) -> dict[str, float]:
    """Every sample of a process by its name, summed over its labels."""
    port = stage.env[f"CAIRN_{process.upper()}_PROBE_PORT"]
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def records_per_batch(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """The mean size of the batches that were folded between two readings; 0 if there was none."""
    batches = after["cairn_batch_records_count"] - before.get("cairn_batch_records_count", 0.0)
    records = after["cairn_batch_records_sum"] - before.get("cairn_batch_records_sum", 0.0)
    return records / batches if batches else 0.0
