"""A client's story for a person at a terminal: a tree, the newest milestone first.

It prints what `agents.ledger.story` found and knows nothing else. Times are in UTC.
"""

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text
from rich.tree import Tree

from agents.ledger.story import Chapter, Handed, Sent, Silence, Story
from streams.planning.reason_words import because

_CENTS = 100
_ECHOED_CHARS = 64


def story_tree(story: Story) -> Tree:
    """The whole story."""
    tree = Tree(Text(f"{story.tenant}/{story.client}", "bold"), guide_style="dim")
    if story.erased_at:
        tree.add(_line(f"erased {_at(story.erased_at)}: nothing is sent any more"))
    for silence in story.suppressions:
        tree.add(_line(_silence(silence)))
    for chapter in story.milestones:
        _add(tree, chapter)
    return tree


def printable(text: str) -> str:
    """What somebody typed, as it can be said again: in one line, and not too long."""
    shown = "".join(char if char.isprintable() else "?" for char in text[: _ECHOED_CHARS + 1])
    return shown if len(shown) <= _ECHOED_CHARS else f"{shown[:_ECHOED_CHARS]}…"


def nothing_found(story: Story, milestone: str | None, correction: str | None = None) -> str:
    """What to check when no milestone is found; `correction` says what is wrong with the tenant's name."""
    who = f"{story.client} of {story.tenant}"
    if milestone and story.is_known:
        there = f"`cairn why {story.tenant}/{story.client}`"
        return f"{who} is known, and has no milestone {milestone}: {there} lists those there are."
    state = f"`cairn state {story.tenant}/{story.client}`"
    if story.is_known:
        return (
            f"{who} is known and has reached nothing that a rule celebrates: {state} shows what was counted, "
            "`cairn rules show` what is celebrated."
        )
    if correction:
        return f"Delivery has never heard of {who}: {correction}."
    return (
        f"Delivery has never heard of {who}. Ids are compared letter by letter. {state} asks the tracker, `cairn log "
        "export` shows what has arrived, `cairn dlq list` what was refused, and cairn_consumer_lag_records how far "
        "`cairn deliver` is behind."
    )


def _add(tree: Tree, chapter: Chapter) -> None:
    head = f"{chapter.name} ({chapter.tier}, rule {chapter.rule}) reached {_at(chapter.reached_at)}"
    branch = tree.add(Text(head, "bold"))
    branch.add(_line(f"milestone {chapter.milestone_id}, revision {chapter.revision}"))
    for text in _facts(chapter):
        branch.add(_line(text))
    why = branch.add(_line("what was decided")) if chapter.decisions else branch
    for told in chapter.decisions:
        why.add(_line(f"{_at(told.decided_at)} {told.sentence}"))
    parts = branch.add(_line("what came of it")) if chapter.deliveries or chapter.tasks else branch
    for sent in chapter.deliveries:
        parts.add(_line(_sent(sent)))
    for task in chapter.tasks:
        parts.add(_line(_task(task)))


def _facts(chapter: Chapter) -> Iterator[str]:
    if chapter.retracted:
        yield "it was withdrawn: what it rested on no longer holds"
    if chapter.mode == "shadow":
        yield "planned in shadow mode: nothing was sent"
    if chapter.variant:
        yield f"answered as experiment/variant {chapter.variant}"
    if chapter.merged_into:
        yield f"told in the message for {chapter.merged_into}"
    if chapter.tells_of:
        yield f"its message also tells of {', '.join(chapter.tells_of)}"
    if chapter.gift_cents:
        yield f"a gift of {chapter.gift_cents / _CENTS:.2f} belongs to it"
    if chapter.next_step:
        yield f"it points to: {chapter.next_step.replace('_', ' ')}"
    if chapter.outcome is None:
        yield "nothing was planned for it"


def _sent(sent: Sent) -> str:
    times = {
        "due": sent.due_at,
        "left": sent.sending_at,
        "again at": sent.retry_at if sent.state == "deferred" else None,
        "settled": sent.finished_at,
        "opened": sent.opened_at,
        "clicked": sent.clicked_at,
    }
    told = ", ".join(f"{name} {_at(at)}" for name, at in times.items() if at)
    why = f": {because(sent.reason)}" if sent.reason else ""
    tries = f", {sent.attempts} attempts" if sent.attempts > 1 else ""
    return f"{sent.channel} {sent.state}{why} ({told}{tries})"


def _task(task: Handed) -> str:
    end = f", {task.state} {_at(task.closed_at)} by {task.closed_by}" if task.closed_at else ""
    return f"task for the coach, {task.kind}: {task.summary} (since {_at(task.created_at)}{end})"


def _silence(silence: Silence) -> str:
    end = f", lifted {_at(silence.lifted_at)} by {silence.lifted_by}" if silence.lifted_at else ""
    until = f" until {_at(silence.until)}" if silence.until else ""
    what = "what is planned is held" if silence.answer == "hold" else "what is planned is closed"
    return f"suppressed {_at(silence.created_at)}{until} by {silence.author}: {silence.reason}; {what}{end}"


def _line(text: str) -> Text:
    return Text(text)


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z" if at else ""
