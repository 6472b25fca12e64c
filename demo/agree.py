"""Agreement: what was found against what was counted, difference by difference.

An empty answer is the play's success; every line names client, rule and both numbers.
"""

from collections import Counter
from collections.abc import Iterator

from demo.count import Count
from demo.found import MESSAGES, Found

_OPEN_STATES = frozenset({"pending", "sending", "unknown", "deferred"})


def differences(counted: Count, found: Found, overtaken: Counter[tuple[str, str, str]] | None = None) -> list[str]:
    """One line for each thing on which Cairn and the count, or two of our readers, differ.

    `overtaken` are mails that were sent rightly, by a calendar that this machine could not keep.
    """
    return [
        *_refused(found),
        *_repeated(found),
        *_milestones(counted, found),
        *_messages(counted, found, overtaken or Counter()),
        *_unanswered(found),
    ]


def _milestones(counted: Count, found: Found) -> Iterator[str]:
    ours = Counter(
        (found.address(record.client), record.rule, int(record.threshold or 0)) for record in found.standing()
    )
    theirs = Counter((win.client, win.rule, win.threshold) for win in counted.wins)
    for key in sorted(ours.keys() | theirs.keys()):
        if ours[key] != theirs[key]:
            client, rule, threshold = key
            name = f"{rule} {threshold}" if threshold else rule
            yield f"milestone {name} of {client}: {ours[key]} on the topic, {theirs[key]} counted"


def _repeated(found: Found) -> Iterator[str]:
    seen = Counter((r.milestone_id, r.revision, r.is_reached, r.rule, r.client) for r in found.milestones)
    for (_, revision, _, rule, client), times in seen.items():
        if times > 1:
            whose = f"{rule} of {found.address(client)}, revision {revision}"
            yield f"milestone {whose}: {times} times on the topic"


def _messages(counted: Count, found: Found, overtaken: Counter[tuple[str, str, str]]) -> Iterator[str]:
    left, along, theirs = found.sent(), found.told_along(), counted.messages()
    told = left - overtaken + Counter({key: times for key, times in along.items() if key[2] in MESSAGES})
    for key in sorted(told.keys() | theirs.keys()):
        if told[key] != theirs[key]:
            client, rule, channel = key
            and_along = f" and {along[key]} told along" if along[key] else ""
            yield f"{channel} about {rule} to {client}: {left[key]} left{and_along}, {theirs[key]} counted"


def _unanswered(found: Found) -> Iterator[str]:
    answered = {delivery.milestone_id for delivery in found.deliveries}
    for record in found.standing():
        if record.milestone_id not in answered:
            yield f"milestone {record.rule} of {found.address(record.client)}: no answer in the ledger"
    for delivery in found.deliveries:
        if delivery.state in _OPEN_STATES:
            client = found.address(delivery.client)
            yield f"{delivery.channel} about {delivery.rule} to {client}: still {delivery.state}"


def _refused(found: Found) -> Iterator[str]:
    if found.dead_letters:
        yield f"{found.dead_letters} dead letters, where none of the play's input is bad"
    for why, times in found.parked.items():
        yield f"{times} records parked by delivery: {why}"
