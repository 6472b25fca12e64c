from agents.channels.video import video_for
from schemas.tenant import Video
from tests.sample_milestones import SAMPLES, milestone

VIDEO = Video(
    url="https://media.northstar.example/{rule}/{threshold}.mp4?for={celebration}",
    poster_url="https://media.northstar.example/{tier}.jpg",
    captions_url="https://media.northstar.example/{rule}.vtt#{unknown}",
)


def test_each_address_is_filled_in() -> None:
    filled = video_for(VIDEO, SAMPLES["halfway"], "ab" * 16)
    assert filled.url == f"https://media.northstar.example/halfway/50.mp4?for={'ab' * 16}"
    assert filled.poster_url == "https://media.northstar.example/program.jpg"
    assert filled.captions_url == "https://media.northstar.example/halfway.vtt#{unknown}"


def test_a_milestone_without_a_number_leaves_its_place_empty() -> None:
    assert "/.mp4" in video_for(VIDEO, SAMPLES["anniversary"], "ab" * 16).url


def test_no_value_changes_where_an_address_leads() -> None:
    odd = milestone("../@evil.example/?#{tier}", "count", "micro", 1)
    assert video_for(VIDEO, odd, "ab" * 16).captions_url == (
        "https://media.northstar.example/..%2F%40evil.example%2F%3F%23%7Btier%7D.vtt#{unknown}"
    )
