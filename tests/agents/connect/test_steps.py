"""The steps that `cairn connect` prints are those that work at the vendor, as docs/connect.md has them."""

from pathlib import Path

from agents.connect.steps import steps_for
from schemas.tenant import KajabiSource

GUIDE = Path(__file__).parents[3] / "docs" / "connect.md"


def test_kajabis_steps_make_hooks_by_its_api_which_alone_tells_tags() -> None:
    by_api, by_hand, *_ = steps_for(KajabiSource(kind="kajabi", name="site"))
    guide = GUIDE.read_text(encoding="utf-8").partition("## Kajabi")[2].partition("\n## ")[0]
    for word in ("POST https://api.kajabi.com/v1/hooks", "target_url", "tag_added", "tag_removed", "payment_succeeded"):
        assert word in by_api
        assert word in guide
    assert "Payment Succeeded" in by_hand
    assert "Such hooks never tell a tag" in by_hand
    assert "Such hooks never tell a tag" in guide
