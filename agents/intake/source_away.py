"""The one way in which a tool that must be asked fails us."""


class SourceAway(Exception):
    """A tool did not answer, or not usably; asking again later may help.

    Attributes:
        retry_after_seconds: what the tool asked for, None if it did not say.
    """

    def __init__(self, text: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds
