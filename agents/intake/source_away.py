"""The ways in which a tool that must be asked is not: it fails us, or is asked enough."""

from typing import ClassVar

from agents.intake.finding import Finding


class SourceAway(Exception):
    """A tool did not answer, or not usably; asking again later may help.

    Attributes:
        code: why the source is not well, as its health shows it.
        retry_after_seconds: what the tool asked for, None if it did not say.
        beside: what a hook says about which nobody has to be asked.
    """

    code: ClassVar[str] = "source_away"

    def __init__(self, text: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds
        self.beside: tuple[Finding, ...] = ()


class SourceBusy(SourceAway):
    """As many of the tenant's hooks ask their tools as may; whoever is not asked now is nobody's fault."""

    def __init__(self) -> None:
        super().__init__("as many of the tenant's hooks ask their tools as may at a time", retry_after_seconds=0.0)


class SourceRefused(SourceAway):
    """The tool answers, and does not accept our credentials (401), or not for this (403): the operator's to mend.

    Attributes:
        status: the answer's.
    """

    code: ClassVar[str] = "source_refused"

    def __init__(self, status: int) -> None:
        super().__init__(
            f"the tool refuses our credentials (status {status}): put the right ones into the source's secret files, "
            "with the rights that docs/connect.md names"
        )
        self.status = status
