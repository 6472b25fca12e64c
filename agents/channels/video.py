"""Videos: the addresses of a client's own video, filled in from what they reached.

It must never let a value change where an address leads: each is quoted as one piece of a path or query.
"""

from collections.abc import Mapping
from urllib.parse import quote

from schemas.milestone import Milestone
from schemas.tenant import Video


def video_for(video: Video, milestone: Milestone, celebration_id: str) -> Video:
    """The tenant's video with `{rule}`, `{tier}`, `{threshold}` and `{celebration}` filled in.

    Anything else in braces stays as it is. A milestone without a number has an empty threshold.
    """
    threshold = milestone.threshold
    values = {
        "{rule}": milestone.rule,
        "{tier}": milestone.tier,
        "{threshold}": "" if threshold is None else f"{threshold:g}",
        "{celebration}": celebration_id,
    }
    return Video(
        url=_fill(video.url, values),
        poster_url=_fill(video.poster_url, values),
        captions_url=_fill(video.captions_url, values),
    )


def _fill(url: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        url = url.replace(name, quote(value, safe=""))
    return url
