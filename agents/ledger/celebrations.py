"""Celebrations: what the celebrator reads before it plans a batch, and what it writes after.

Each question and each write is one statement for the whole batch. Must be called inside the
transaction that holds the position.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from agents.ledger.accounts import Accounts, read_accounts
from agents.ledger.brakes import pauses_in_force, recoveries
from agents.ledger.clients import ClientKey, ClientRow, lock_clients
from agents.ledger.money import month_of
from agents.ledger.pool import Connection
from agents.ledger.queries import load_queries
from agents.ledger.referrals import record_asked
from agents.ledger.rows import recorded_milestone
from agents.ledger.tasks import upsert_tasks
from schemas.brake import Pause, Recovery
from schemas.celebration import Celebration
from schemas.milestone import Milestone
from streams.planning.answer import moment_of
from streams.planning.history import Past
from streams.planning.merging import Untold

HISTORY: Final = timedelta(days=9)
"""How far caps look back: a week, in the client's days."""

_SQL = load_queries("celebrations")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a milestone already.

    Attributes:
        attempted: something of its celebration left, or may have left.
        done_by_hand: a coach did their part of it.
        heard_at: when it was first heard, real time.
    """

    revision: int
    retracted: bool
    celebration_id: str | None
    attempted: bool
    done_by_hand: bool
    heard_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What planning a batch needs to know, read once."""

    clients: Mapping[ClientKey, ClientRow]
    history: defaultdict[ClientKey, list[Past]]
    standing: Mapping[str, Standing]
    pauses: tuple[Pause, ...]
    recoveries: tuple[Recovery, ...]
    accounts: Accounts
    untold: defaultdict[ClientKey, list[Untold]]
    followers: defaultdict[str, list[Milestone]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What planning a batch leads to, written once; rows are named as the columns are."""

    milestones: list[Row] = field(default_factory=list)
    celebrations: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    tasks: list[Row] = field(default_factory=list)
    inbox: list[Row] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)
    referrals: list[Celebration] = field(default_factory=list)
    asks: list[Row] = field(default_factory=list)


async def read_book(
    connection: Connection,
    milestones: Sequence[Milestone],
    *,
    rewarded: Sequence[Milestone],
    gifted: Sequence[Milestone],
    now: datetime,
) -> Book:
    """Lock the clients of these milestones and read all that decides about them.

    Args:
        connection: inside the transaction that writes.
        milestones: the newest word on each.
        rewarded: those whose gift grows with each time.
        gifted: those that a gift may answer.
        now: domain time.
    """
    keys = sorted({(one.tenant, one.client) for one in milestones})
    ids = [one.milestone_id for one in milestones]
    clients = await lock_clients(connection, keys)
    moments = sorted({answered for one in milestones if (answered := moment_of(one))})
    history = await _history(connection, keys, now - HISTORY, moments)
    await connection.execute(_SQL.keep_unsent, ids)
    standing = await _standing(connection, ids)
    return Book(
        clients=clients,
        history=history,
        standing=standing,
        followers=await _followers(connection, [one.celebration_id for one in standing.values() if one.celebration_id]),
        pauses=await pauses_in_force(connection),
        recoveries=await recoveries(connection),
        accounts=await read_accounts(connection, milestones, rewarded=rewarded, gifted=gifted, month=month_of(now)),
        untold=await _untold(connection, keys, frozenset(ids)),
    )


async def _history(
    connection: Connection, keys: Sequence[ClientKey], since: datetime, moments: Sequence[str]
) -> defaultdict[ClientKey, list[Past]]:
    history: defaultdict[ClientKey, list[Past]] = defaultdict(list)
    columns = [tenant for tenant, _ in keys], [client for _, client in keys]
    for row in await connection.fetch(_SQL.history, *columns, since, moments):
        history[row["tenant"], row["client"]].append(
            Past(
                milestone_id=row["milestone_id"],
                tier=row["tier"],
                at=row["at"],
                moment=row["moment"],
                counts=row["counts"],
            )
        )
    return history


async def _standing(connection: Connection, milestone_ids: Sequence[str]) -> dict[str, Standing]:
    return {
        row["milestone_id"]: Standing(
            revision=row["revision"],
            retracted=row["retracted"],
            celebration_id=row["celebration_id"],
            attempted=row["attempted"],
            done_by_hand=row["done_by_hand"],
            heard_at=row["heard_at"],
        )
        for row in await connection.fetch(_SQL.standing, milestone_ids)
    }


async def _followers(connection: Connection, leads: Sequence[str]) -> defaultdict[str, list[Milestone]]:
    """What celebrations that are planned anew tell of too."""
    followers: defaultdict[str, list[Milestone]] = defaultdict(list)
    for row in await connection.fetch(_SQL.followers, leads) if leads else ():
        followers[row["merged_into"]].append(recorded_milestone(row["record"]))
    return followers


async def _untold(
    connection: Connection, keys: Sequence[ClientKey], now_decided: frozenset[str]
) -> defaultdict[ClientKey, list[Untold]]:
    """What these clients have not heard of; without what is decided anew just now."""
    untold: defaultdict[ClientKey, list[Untold]] = defaultdict(list)
    columns = [tenant for tenant, _ in keys], [client for _, client in keys]
    for row in await connection.fetch(_SQL.untold, *columns):
        milestone = recorded_milestone(row["record"])
        if milestone.milestone_id not in now_decided:
            untold[row["tenant"], row["client"]].append(
                Untold(celebration_id=row["celebration_id"], tier=row["tier"], milestone=milestone, waits=row["waits"])
            )
    return untold


async def write_page(connection: Connection, page: Page) -> None:
    """Write everything, in the order in which rows refer to each other, and wake the senders once."""
    for statement, ids in (
        (_SQL.withdraw_deliveries, page.stopped),
        (_SQL.drop_tasks, page.stopped),
        (_SQL.withdraw_celebrations, page.withdrawn),
    ):
        if ids:
            await connection.execute(statement, ids)
    for statement, rows in (
        (_SQL.upsert_milestones, page.milestones),
        (_SQL.upsert_celebrations, page.celebrations),
        (_SQL.upsert_deliveries, page.deliveries),
        (_SQL.append_decisions, page.decisions),
        (_SQL.upsert_inbox, page.inbox),
    ):
        if rows:
            await connection.execute(statement, as_json(rows))
    await upsert_tasks(connection, page.tasks)
    if page.merged:
        names = [name for name, _ in page.merged]
        await connection.execute(_SQL.merge_deliveries, names)
        await connection.execute(_SQL.merge_celebrations, names, [lead for _, lead in page.merged])
    followers = [name for name, _ in page.merged] + [
        row["celebration_id"] for row in page.celebrations if row["merged_into"]
    ]
    if followers:
        await connection.execute(_SQL.follow_further, followers)
    for asked in page.referrals:
        await record_asked(
            connection,
            tenant=asked.tenant,
            client=asked.client,
            celebration_id=asked.celebration_id,
            asked_at=asked.planned_at,
        )
    await free_merged(connection, [*page.withdrawn, *page.stopped])
    if page.deliveries or page.withdrawn:
        await notify_senders(connection)


async def free_merged(connection: Connection, leads: Sequence[str]) -> None:
    """What was to be told in these celebrations' messages goes by itself again, if those do not go."""
    if leads:
        await connection.execute(_SQL.free_merged, leads)


async def show(connection: Connection, item: Row) -> None:
    """Put one in-app message into its client's inbox."""
    await connection.execute(_SQL.upsert_inbox, as_json([item]))


async def append_decisions(connection: Connection, rows: Sequence[Row]) -> None:
    """Add decisions; none is ever changed."""
    if rows:
        await connection.execute(_SQL.append_decisions, as_json(rows))


async def notify_senders(connection: Connection) -> None:
    """Wake the senders when the transaction commits."""
    await connection.execute(_SQL.notify_senders)


def as_json(rows: Sequence[Row]) -> str:
    """Rows as `jsonb_to_recordset` reads them."""
    return msgspec.json.encode(rows).decode()
