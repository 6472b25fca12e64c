"""The ledger and the mail server, held against the milestones: one answer each, and no mail twice.

Plain SQL on the tables that the migrations make; the only thing it knows of the service is that a mail's
Message-ID is the delivery's id with `-` for what an id may not hold.
"""

import re
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import Any

import asyncpg

from tests.chaos.load import FEW, address_of
from tests.chaos.mail_sink import MailSink
from tests.chaos.oracle import Identity
from tests.chaos.verdict import Verdict

_EXAMPLES = 3
_ANSWERED = """
    SELECT tenant, client, rule, record->>'threshold' AS threshold, record->>'occurrence' AS occurrence,
           (SELECT count(*) FROM celebrations AS c WHERE c.milestone_id = m.milestone_id) AS celebrations
    FROM milestones AS m WHERE starts_with(client, $1)
"""
_SHOWN = """
    SELECT count(*) - count(DISTINCT d.celebration_id) FROM inbox AS i JOIN deliveries AS d ON d.delivery_id = i.item_id
    WHERE starts_with(i.client, $1)
"""
_MAILS = """
    SELECT delivery_id, client, state, reason,
           reason = 'merged' AND EXISTS (
               SELECT FROM celebrations AS c JOIN deliveries AS l ON l.celebration_id = c.merged_into
               WHERE c.celebration_id = d.celebration_id AND l.state IN ('sent', 'unknown')) AS told_along
    FROM deliveries AS d
    WHERE channel = 'email' AND tenant = $2 AND starts_with(client, $1)
"""
UNFINISHED = """
    SELECT count(*) FROM deliveries
    WHERE state IN ('pending', 'deferred', 'sending', 'held') AND tenant = $2 AND starts_with(client, $1)
"""


async def judge(dsn: str, verdict: Verdict, expected: set[Identity], mail: MailSink, row: str = "") -> Verdict:
    """The verdict, with what the ledger holds of a row; of all rows where `row` is empty."""
    prefix = f"{row}-" if row else ""
    connection = await asyncpg.connect(dsn)
    try:
        answered = await connection.fetch(_ANSWERED, prefix)
        shown_twice = await connection.fetchval(_SHOWN, prefix)
        mails = await connection.fetch(_MAILS, prefix, FEW)
        unfinished = await connection.fetchval(UNFINISHED, prefix, FEW)
    finally:
        await connection.close()
    verdict = _celebrations(verdict, expected, answered, shown_twice)
    skipped = [
        each
        for each in mails
        if each["state"] == "skipped" and not each["told_along"] and address_of(each["client"]) not in mail.erased
    ]
    states = {name_of(each["delivery_id"]): each["state"] for each in mails}
    return _mails(verdict, states, mail, unfinished + len(skipped))


def name_of(delivery_id: str) -> str:
    """What stands before the @ in the Message-ID of that delivery's mail."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", delivery_id)


def _celebrations(verdict: Verdict, expected: set[Identity], answered: list[Any], shown_twice: int) -> Verdict:
    times: Counter[Identity] = Counter()
    for each in answered:
        identity = (each["tenant"], each["client"], each["rule"], float(each["threshold"]), each["occurrence"])
        times[identity] += each["celebrations"]
    missing = [one for one in expected if not times[one]]
    return replace(
        verdict,
        celebrations=len(+times),
        uncelebrated=len(missing),
        celebrated_twice=sum(count - 1 for count in times.values() if count > 1) + shown_twice,
        examples=(*verdict.examples, *(f"uncelebrated: {one}" for one in islice(missing, _EXAMPLES))),
    )


def _mails(verdict: Verdict, states: dict[str, str], mail: MailSink, unfinished: int) -> Verdict:
    accepted = {name: times for name, times in mail.accepted.items() if name in states}
    unknown = {name for name, state in states.items() if state == "unknown"}
    withheld = mail.unanswered & states.keys()
    wrong = [name for name, state in states.items() if state == "sent" and not accepted.get(name)]
    wrong += [name for name in accepted if states[name] not in {"sent", "unknown"}]
    wrong += [name for name, state in states.items() if (state == "failed") != (name in mail.refused)]
    wrong_unknown = (withheld - unknown) | (unknown - withheld - mail.in_doubt)
    examples = (*(f"delivery: {name} {states[name]}" for name in islice(wrong, _EXAMPLES)),)
    examples += (*(f"unknown: {name} {states[name]}" for name in islice(wrong_unknown, _EXAMPLES)),)
    return replace(
        verdict,
        mails=sum(accepted.values()),
        mailed_twice=sum(times - 1 for times in accepted.values()),
        mailed_erased=sum(times for name, times in mail.to_erased.items() if name in states),
        wrong_deliveries=len(wrong) + unfinished,
        unknown=len(unknown),
        injected_unknown=len(withheld) + len((unknown - withheld) & mail.in_doubt),
        wrong_unknown=len(wrong_unknown),
        examples=(*verdict.examples, *examples),
    )
