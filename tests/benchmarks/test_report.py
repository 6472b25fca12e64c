from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks import figures, report, sizing
from tests.benchmarks.charts import Bar, bars

MEASURED = {
    **{one.name: float(one.at_least or one.below or 0) for one in figures.REQUIRED},
    "cairn_events_per_second": 60_000.0,
    "cairn_cpu_us_per_event": 15.0,
    "partitions_8_events_per_second": 60_000.0,
    "cairn_peak_mb": 250.0,
    "bare_loop_events_per_second": 180_000.0,
    "bare_loop_cpu_us_per_event": 5.0,
    "clients_10000_cpu_us_per_event": 14.0,
    "clients_10000_peak_mb": 250.0,
    "clients_1000000_cpu_us_per_event": 21.0,
    "clients_1000000_peak_mb": 1_240.0,
    "planned_postgres_cpu_us": 200.0,
    "emails_postgres_cpu_us": 1_000.0,
}


def test_the_page_holds_every_required_figure_and_its_verdict(tmp_path: Path) -> None:
    report.write({**MEASURED, "emails_per_second": 299.0}, tmp_path)
    page = (tmp_path / "performance.md").read_text()
    assert all(one.meaning in page for one in figures.REQUIRED)
    assert "| mails/s, one process | 299.0 | >= 300 | 600 | **no** |" in page
    assert "| restore of a changelog, records/s | 200,000.0 | >= 200,000 | 300,000 | yes |" in page


def test_a_figure_that_was_not_measured_says_so_and_has_no_picture(tmp_path: Path) -> None:
    report.write(MEASURED, tmp_path)
    assert (tmp_path / "performance" / "delivery.svg").exists()
    report.write({"milestone_p99_ms": 40.0}, tmp_path)
    page = (tmp_path / "performance.md").read_text()
    assert "not measured" in page
    assert {path.name for path in (tmp_path / "performance").iterdir()} == {"latency.svg"}
    assert "delivery.svg" not in page


def test_peers_stand_in_the_order_of_their_speed_and_cairns_own_runs_are_none_of_them() -> None:
    assert report.peers(MEASURED) == ("bare_loop", "cairn")


def test_a_picture_is_drawn_to_scale_and_marks_what_is_required() -> None:
    drawn = bars("Speed <now>", [Bar(label="a", value=50, text="50"), Bar(label="b", value=100, text="100", limit=75)])
    tree = ET.fromstring(drawn)  # noqa: S314 - our own drawing
    space = "{http://www.w3.org/2000/svg}"
    widths = [float(one.attrib["width"]) for one in tree.iter(f"{space}rect")][1:]
    (mark,) = tree.iter(f"{space}line")
    begin = float(next(iter(list(tree.iter(f"{space}rect"))[1:])).attrib["x"])
    assert widths[1] == pytest.approx(2 * widths[0])
    assert float(mark.attrib["x1"]) - begin == pytest.approx(0.75 * widths[1], abs=0.1)
    assert tree.attrib["aria-label"] == "Speed <now>"


def test_a_mark_far_beyond_every_bar_does_not_flatten_them() -> None:
    drawn = bars("Latency", [Bar(label="a", value=50, text="50", limit=1_000)])
    assert "<line" not in drawn


def test_sizes_grow_with_clients_and_rest_on_what_was_measured() -> None:
    few, *_, many = sizing.plans(MEASURED)
    assert (few.clients, few.trackers, few.deliverers) == (1_000, 1, 1)
    assert many.clients == 5_000_000
    assert many.trackers == 5  # no process has more clients than were measured
    assert many.tracker_mb == pytest.approx(1_250, rel=0.01)
    assert many.back_seconds == pytest.approx(15.0)
    assert many.postgres_cores == pytest.approx(many.milestones_per_second * (200 + 0.5 * 1_000) / 1e6)


def test_without_a_figure_that_it_rests_on_there_is_no_sizing() -> None:
    assert sizing.plans({name: value for name, value in MEASURED.items() if name != "emails_per_second"}) == ()
