"""The audit of content: rules that nobody met, and words that nobody got or opened, for a while.

Which file a message had is not recorded; it is found again as the renderer finds it, by the
rulebook of today: the name that a variant or rule asks for, then the rule's, then kind and tier's,
then the tier's; a tenant's own files before ours. Only what is a tenant's own is told: ours is
not theirs to retire.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.ledger.outcomes import Sent
from agents.tenants import STARTER_RULEBOOK, Tenant
from schemas.rulebook import Rulebook

_OURS = STARTER_RULEBOOK.parents[1] / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A piece of content that nobody has any use of.

    Attributes:
        kind: `rule`, `template`, or `tenant` for one of which nothing can be said yet.
        why: as a sentence.
    """

    tenant: str
    kind: str
    name: str
    why: str


def stale_content(tenant: Tenant, met: Mapping[str, int], sent: Sequence[Sent], days: int) -> Iterator[Stale]:
    """What of a tenant's rulebook and words could be retired.

    Args:
        tenant: with the rulebook in force.
        met: how often each rule was met in these days.
        sent: what went out in them.
        days: how many that are; fewer than were asked for while the tenant is younger.
    """
    if not days:
        why = "nothing was heard of it for a whole day yet: is a source connected?"
        yield Stale(tenant=tenant.id, kind="tenant", name=tenant.id, why=why)
        return
    for rule in tenant.rulebook.rules:
        gone = [each for each in sent if each.rule == rule.id]
        if not rule.enabled:
            continue
        if not met.get(rule.id):
            yield Stale(tenant=tenant.id, kind="rule", name=rule.id, why=f"nobody met it for {days} days")
        elif gone and not any(each.opened for each in gone):
            total = sum(each.sent for each in gone)
            yield Stale(tenant=tenant.id, kind="rule", name=rule.id, why=f"{total} messages, and nobody opened one")
    yield from _templates(tenant, sent, days)


def _templates(tenant: Tenant, sent: Sequence[Sent], days: int) -> Iterator[Stale]:
    own = tenant.folder / "templates"
    used: Counter[str] = Counter()
    opened: Counter[str] = Counter()
    for each in sent:
        name = _file(each, tenant.rulebook, own)
        used[name] += each.sent
        opened[name] += each.opened
    for path in sorted(own.rglob("*.txt")):
        if path.name.startswith("_"):
            continue  # a part of other templates
        if not used[path.name]:
            yield Stale(tenant=tenant.id, kind="template", name=path.name, why=f"nobody got it for {days} days")
        elif not opened[path.name]:
            why = f"{used[path.name]} messages, and nobody opened one"
            yield Stale(tenant=tenant.id, kind="template", name=path.name, why=why)


def _file(each: Sent, rulebook: Rulebook, own: Path) -> str:
    """The file that its words came from; the tier's where none is there any more."""
    rule = rulebook.by_id.get(each.rule)
    asked = (_of_variant(each, rulebook), rule.template if rule else None)
    names = (*asked, each.rule, f"{each.kind}-{each.tier}", each.tier)
    files = [f"{name}.{each.channel}.txt" for name in names if name]
    return next((file for file in files if _has(own, file) or _has(_OURS, file)), files[-1])


def _has(folder: Path, file: str) -> bool:
    return any(folder.rglob(file))


def _of_variant(each: Sent, rulebook: Rulebook) -> str | None:
    experiment, _, name = (each.variant or "").partition("/")
    found = next((known for known in rulebook.policy.experiments if known.id == experiment), None)
    variant = found.variants.get(name) if found else None
    return variant.template if variant else None
