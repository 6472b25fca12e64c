"""A second, deliberately naive model of tracking: what the core decides is held against it.

It shares nothing with the core but the shapes of `schemas/`. Each step computes everything anew
from the whole log of a client; only what has been decided is kept: the ledger of awards, the
day of each event, the sessions that were inferred, and what a change of profile has passed by.

Readings, where the design leaves a choice:

 1. Steps: `event` and `profile` fire no deadline; a caller ticks first, as `replay` does. Deadlines fire in
    order of due time, then sessions, lapses, dates, settled awards, then in the order of the rules. Within a
    step rules follow the rulebook; each withdraws before it reaches; `per` values in order of text, then
    thresholds in the order in which they are crossed.
 2. Window: two records are compared if they were applied at most 35 days (of `now`) and at most 512 accepted
    records of the client apart; both limits hold.
 3. Duplicates of a key are kept: if the first report is retracted, the second counts in its place, because the
    order of arrival must not matter. Of reports that disagree about fields the earliest by `time` counts.
 4. Reversals are judged by `time`: a completion later than its reversal counts anew, an earlier one does not. At
    the same instant the later arrival is the later one; this holds for checks, goals, sessions and purchases.
 5. A refund lowers sums by its own amount, known order or not, and is matched by its own fields. A purchase stops
    counting as one when the refunds of its order reach its amount. Only then may the order count again.
 6. A retraction cannot be retracted. An id that was retracted stays barred, whichever of the two came first.
 7. Sessions: inferred by a tick alone; a reschedule without its booking books as well; the latest of booking and
    reschedules by `time` has the times, the earliest the fields. What is inferred was said when the booking was: a
    later cancel or no-show undoes it, an earlier one does not. `attended` undoes earlier cancels and adds nothing of
    its own. A reschedule reverses what was inferred until the new end is due; one to a time that is over as well
    changes nothing. When an event restores an inferred session, `reached_at` is that event's `time`.
 8. Counting `habit.checked` counts events; an uncheck takes back all earlier checks of its habit and day.
 9. Events without the `per` field, or without a number in `of`, do not count for that rule. Sums are decimal, free
    of rounding. A negative number that takes a sum below an awarded threshold retracts it.
10. A value crosses if a measurement on the far side follows one on the near side by `time`; the first alone crosses
    nothing. Going back does not retract. `reached_at` is the `time` of the earliest measurement that crossed.
11. Days: of skipped wall clock times the instant after the skip, of doubled ones the first. Grace is elapsed hours.
12. A streak without `per` is a run over all matching habits: a day counts if any of them is checked, and is neutral
    if any of them is paused or repaired. A check on a paused or repaired day counts.
13. An open pause covers `from` and ends the day before the first checked day later than `from` (of its habit and,
    for all habits, of each). A pause that ends before it begins covers nothing.
14. `streak.reported` is a check, with its `time`, of `day` and the days before it.
15. A `repeat: once` streak award holds while any run of its `per` value is long enough. Its occurrence keeps the
    first day of the run of its first crossing.
16. The days that a `per-streak` award was given for grow with the runs that hold it. Otherwise the uncheck of the
    one day that ended them would hand a long run to a second id, which no uncheck may do.
17. Every run of `min_days` lapses, also one after which the client has begun anew. Lapse awards belong to runs by
    overlap; of several in one run the one for the latest days stands, so a join retracts the first. A run
    that grows but is long overdue still keeps its lapse; one whose new deadline lies ahead loses it until then.
18. A zone change never takes back a lapse that has fired.
19. Silence: the first crossing decides for the award; after that each retraction and each further `reached` is
    emitted or not with the first, whatever event causes it. A booking's silence is that of the event that set its
    time. The event that set a lapse's deadline is the one after which a run of `min_days` with this last day and
    missed day first stood.
20. `effective_from` compares the local day of the crossing's `time` (never `data.day`), or of the due time.
21. `clients.share`: a client is inside while a stable hash in [0, 1), passed in as `share_of(rule, client)`, is below
    the share. Tags count as they are at the crossing; any of them will do.
22. Settle runs from `now` of the crossing event, from the due time for a deadline. `reached_at` and `value` are those
    of the crossing. Silent awards settle as well; an award cancelled before it first stood leaves no trace.
23. Dates: `at` before `day_starts_at` lies at the end of the local day; without `at` its beginning. `occurrence` of
    `days_after` and `days_before` is the date on which they are due; with a yearly date it is the year of
    that date. `value` is the years since (0 for a birthday without a year), or the number of days.
24. `value` of a retraction is the number that is left (for a lapse, the run that had been broken).
25. A disabled rule keeps its counter and does nothing else. A rule that comes, or changes, enters what is passed
    silently. Awards of a former signature or threshold stay as they are and still bar their id.
26. A tombstone forgets the client altogether; a record that is refused does not make a client known.
27. Local dates far from an event's `time` are taken as they are.
"""

import json
from datetime import datetime
from typing import Any

from schemas.codec import decode_profile
from schemas.refusal import Refused
from tests.model.client import Client, ShareOf
from tests.model.days import moment
from tests.model.ledger import Milestone


class NaiveTracker:
    """Tracks the clients of one tenant by the definition; `refusals` lists reason and detail of what was refused."""

    def __init__(self, rulebook: dict[str, Any], share_of: ShareOf = lambda _rule, _client: 0.0) -> None:
        self.book = rulebook
        self.share_of = share_of
        self.clients: dict[str, Client] = {}
        self.refusals: list[tuple[str, str]] = []

    def event(self, event: dict[str, Any], now_ms: int) -> list[Milestone]:
        """Apply an event in CloudEvents form."""
        try:
            name = str(event.get("subject"))
            client = self._client(name, moment(now_ms))
            emitted = client.event(event, moment(now_ms))
        except Refused as refused:
            self.refusals.append((refused.reason, refused.detail))
            return []
        self.clients[name] = client
        return emitted

    def profile(self, client: str, profile: dict[str, Any] | None, now_ms: int) -> list[Milestone]:
        """Take a client's profile; None erases the client."""
        if profile is None:
            self.clients.pop(client, None)
            return []
        try:
            taken = decode_profile(json.dumps(profile).encode())
        except Refused as refused:
            self.refusals.append((refused.reason, refused.detail))
            return []
        self.clients[client] = self._client(client, moment(now_ms))
        return self.clients[client].change_profile(taken, moment(now_ms))

    def tick(self, now_ms: int) -> list[Milestone]:
        """Fire everything that is due, client by client in the order in which they became known."""
        return [milestone for client in self.clients.values() for milestone in client.tick(moment(now_ms))]

    def rulebook(self, rulebook: dict[str, Any], now_ms: int) -> list[Milestone]:
        """Take another rulebook."""
        self.book = rulebook
        return [m for client in self.clients.values() for m in client.adopt(rulebook, moment(now_ms))]

    def _client(self, name: str, now: datetime) -> Client:
        return self.clients.get(name) or Client(name, self.book, self.share_of, now)
