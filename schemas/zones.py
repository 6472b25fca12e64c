"""The time zones that Cairn knows: the IANA names, from the pinned `tzdata`.

`localtime` and `Factory` are left out: they mean whatever the machine means by them, and a
decision must not depend on the machine.
"""

from zoneinfo import available_timezones

ZONES: frozenset[str] = frozenset(available_timezones() - {"localtime", "Factory"})
"""Every name that may stand in an event, a profile or a rulebook."""
