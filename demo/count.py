"""The independent count: what the play's input must lead to, by plain lists and loops.

Written from the words of the practice's rulebook (the starter, and what `demo.tenant` says that
the practice has changed) and of the guarantees, not from the code: it
imports nothing of the service and nothing but the standard library, so that a mistake there
cannot hide here. It must never be "mended" by looking at what the service answered.

It looks at each client's whole history at once, where the service sees one event at a time;
both must come to the same milestones standing at the end.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from demo.steps import AppointmentStep, CheckStep, LeaveStep, MessageStep, QuietStep, Step

HOLD_OFF = timedelta(minutes=10_080)
GRACE = timedelta(hours=120)
STREAK_DAYS = (14, 30)
LAPSE_MIN_DAYS = 3
SESSIONS_MAJOR = 36
HALFWAY_PERCENT = 50

TIERS = {
    "first-session": "micro",
    "first-goal": "micro",
    "iron-streak": "streak",
    "halfway": "program",
    "thirty-six": "major",
    "streak-broken": "nudge",
}
CHANNELS = {
    "micro": ("in_app",),
    "streak": ("email", "in_app"),
    "program": ("email", "in_app"),
    "major": ("email",),
    "nudge": ("email",),
}
"""The messages; what is given with them is counted in `demo.count_given`."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Win:
    """A milestone that stands at the end.

    Attributes:
        client: the address in lower case, by which the two tools' records are one client.
        threshold: the number crossed; 0 where the rule has none.
        on: the day from which it stands; tells two streaks of a client apart.
        is_inferred: it rests on a session that nobody ticked off.
    """

    client: str
    rule: str
    threshold: int
    on: date
    is_inferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What the play's input must lead to.

    Attributes:
        wins: every milestone, in order of client and rule.
        inputs: what the tools recorded, by kind.
        copies: how many hooks were sent more than once, counted each time.
        withheld: from which day on a client wants nothing on a channel, by address and channel.
    """

    wins: tuple[Win, ...]
    inputs: dict[str, int]
    copies: int
    withheld: dict[tuple[str, str], date] = field(default_factory=dict)

    def by_rule(self) -> Counter[tuple[str, int]]:
        """How many milestones by rule and threshold."""
        return Counter((win.rule, win.threshold) for win in self.wins)

    def messages(self) -> Counter[tuple[str, str, str]]:
        """How many messages must go out, by client, rule and channel."""
        return Counter(
            (win.client, win.rule, channel)
            for win in self.wins
            for channel in CHANNELS[TIERS[win.rule]]
            if win.on < self.withheld.get((win.client, channel), date.max)
        )

    def by_channel(self) -> Counter[str]:
        """How many messages must go out by channel."""
        totals: Counter[str] = Counter()
        for (_, _, channel), times in self.messages().items():
            totals[channel] += times
        return totals


def count(steps: Iterable[Step], until: datetime, rules: frozenset[str] = frozenset(TIERS)) -> Count:
    """Count what has happened by `until`, for the rules that are switched on."""
    steps = list(steps)
    appointments = [step for step in steps if isinstance(step, AppointmentStep)]
    messages = [step for step in steps if isinstance(step, MessageStep)]
    checks = [step for step in steps if isinstance(step, CheckStep)]
    wins = [
        *_session_wins(appointments, until),
        *_habit_wins(messages, checks, until),
        *_course_wins(messages),
        *_goal_wins(messages),
    ]
    hooks = [(len(step.actions), step.copies) for step in appointments] + [(1, s.copies) for s in messages]
    return Count(
        wins=tuple(sorted(win for win in wins if win.rule in rules)),
        inputs={
            "appointment changes in Acuity": len(appointments),
            "messages as Standard Webhooks": len(messages),
            "habit checks found by the daily pull": len(checks),
        },
        copies=sum(actions * (copies - 1) for actions, copies in hooks),
        withheld=_withheld(steps),
    )


def _withheld(steps: list[Step]) -> dict[tuple[str, str], date]:
    """Quiet holds everything, leaving the mails holds the mails alone."""
    withheld = {}
    for step in steps:
        if isinstance(step, QuietStep):
            withheld.update({(step.email, channel): step.at.date() for channel in ("email", "in_app", "gift")})
        elif isinstance(step, LeaveStep):
            withheld[step.email, "email"] = step.at.date()
    return withheld


def _session_wins(steps: list[AppointmentStep], until: datetime) -> list[Win]:
    """A session counts when it was not cancelled: at its label, or a week after its end."""
    latest = {step.record["id"]: step for step in sorted(steps, key=lambda step: step.at)}
    done: dict[str, list[tuple[datetime, bool]]] = defaultdict(list)
    for step in latest.values():
        completed_at = _completed_at(step)
        if completed_at is not None and completed_at <= until:
            done[step.record["email"].lower()].append((completed_at, not _is_ticked_off(step)))
    return [
        _session_win(client, rule, number, sorted(sessions)[number - 1])
        for client, sessions in done.items()
        for rule, number in (("first-session", 1), ("thirty-six", SESSIONS_MAJOR))
        if len(sessions) >= number
    ]


def _session_win(client: str, rule: str, number: int, session: tuple[datetime, bool]) -> Win:
    completed_at, is_inferred = session
    on = completed_at.astimezone(UTC).date()
    return Win(client=client, rule=rule, threshold=number, on=on, is_inferred=is_inferred)


def _is_ticked_off(step: AppointmentStep) -> bool:
    return any(label["name"] == "Completed" for label in step.record["labels"] or ())


def _completed_at(step: AppointmentStep) -> datetime | None:
    record = step.record
    if record["canceled"]:
        return None
    if _is_ticked_off(step):
        return step.at
    starts_at = datetime.strptime(record["datetime"], "%Y-%m-%dT%H:%M:%S%z")
    return starts_at + timedelta(minutes=int(record["duration"])) + HOLD_OFF


def _habit_wins(messages: list[MessageStep], checks: list[CheckStep], until: datetime) -> list[Win]:
    """Runs of consecutive local days: 14 and 30 are wins, an end after three or more is a nudge."""
    days: dict[tuple[str, str], set[date]] = defaultdict(set)
    zones: dict[str, ZoneInfo] = {}
    for message in messages:
        if message.body["type"] == "habit.checked":
            data = message.body["data"]
            client = data["client"]["email"].lower()
            zones[client] = ZoneInfo(data["client"]["timezone"])
            days[client, data["habit_id"]].add(_local_day(message, zones[client]))
    for check in checks:
        client = check.email.lower()
        zones[client] = ZoneInfo(check.timezone)
        days[client, check.habit_id].add(check.day)
    return [
        win
        for (client, _), found in days.items()
        for run in _runs(sorted(found))
        for win in _run_wins(client, run, zones[client], until)
    ]


def _local_day(message: MessageStep, zone: ZoneInfo) -> date:
    stated = message.body["data"].get("day")
    if stated:
        return date.fromisoformat(stated)
    return datetime.fromisoformat(message.body["timestamp"]).astimezone(zone).date()


def _runs(days: list[date]) -> list[list[date]]:
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _run_wins(client: str, run: list[date], zone: ZoneInfo, until: datetime) -> list[Win]:
    wins = [
        Win(client=client, rule="iron-streak", threshold=length, on=run[length - 1])
        for length in STREAK_DAYS
        if len(run) >= length
    ]
    day_after_is_over = datetime.combine(run[-1] + timedelta(days=2), time(0), zone)
    if len(run) >= LAPSE_MIN_DAYS and day_after_is_over.astimezone(UTC) + GRACE <= until:
        wins.append(Win(client=client, rule="streak-broken", threshold=0, on=run[-1]))
    return wins


def _course_wins(messages: list[MessageStep]) -> list[Win]:
    """The first report of at least half of a course."""
    reached: dict[tuple[str, str], date] = {}
    for message in sorted(messages, key=lambda message: message.at):
        data = message.body["data"]
        if message.body["type"] == "course.progressed" and data["percent"] >= HALFWAY_PERCENT:
            key = (data["client"]["email"].lower(), data["course_id"])
            reached.setdefault(key, message.at.date())
    return [Win(client=client, rule="halfway", threshold=HALFWAY_PERCENT, on=on) for (client, _), on in reached.items()]


def _goal_wins(messages: list[MessageStep]) -> list[Win]:
    """A client's first goal."""
    reached: dict[str, date] = {}
    for message in sorted(messages, key=lambda message: message.at):
        if message.body["type"] == "goal.completed":
            reached.setdefault(message.body["data"]["client"]["email"].lower(), message.at.date())
    return [Win(client=client, rule="first-goal", threshold=1, on=on) for client, on in reached.items()]
