"""Tenants: reads the tenants' folders and their secrets, whole, with every error at once.

A folder that does not hold up stops the start of a process with a text that names file and
field, so that no tenant is ever served half. `tenant_watch` reads what changes later.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from agents.nearest import nearest
from agents.plain_file import read_plain
from schemas.policy import ChannelName, NextStep
from schemas.rulebook import Rulebook, RulebookErrors, load_rulebook
from schemas.tenant import (
    Coach,
    CoachesFile,
    Gifts,
    NextLink,
    Referral,
    Sender,
    Slack,
    Source,
    TenantFile,
    Texting,
    Video,
)
from schemas.yaml_lines import YamlFault, read_yaml

TENANT, COACHES, RULEBOOK = FILES = ("tenant.yaml", "coaches.yaml", "rulebook.yaml")
STARTER_RULEBOOK = Path(__file__).parents[1] / "deploy" / "rulebooks" / "starter.yaml"
_ID_MAX_CHARS: Final = 128
_WITHOUT_SETUP: Final[frozenset[ChannelName]] = frozenset({"in_app", "email", "certificate", "badge"})
_SET_UP_BY: Final[Mapping[ChannelName, str]] = MappingProxyType(
    {"sms": "sms", "slack": "slack", "gift": "gifts", "video": "video", "referral": "referral"}
)
"""Channels that need an account or address of the tenant, and the word of `tenant.yaml` that gives it."""
F = TypeVar("F", bound=BaseModel)


class TenantErrors(Exception):
    """Tenants' files are not valid; `lines` has a line for each error, with its file."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("Tenants' files are not valid:\n" + "\n".join(f"  {line}" for line in self.lines))


class TenantUnread(TenantErrors):
    """The disk does not give a tenant's files, and may at another time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One tenant as its folder describes it; without a rulebook of its own it has the starter's."""

    id: str
    name: str
    timezone: str
    sender: Sender
    coaches: tuple[Coach, ...]
    sources: tuple[Source, ...]
    rulebook: Rulebook
    folder: Path
    has_own_rulebook: bool = False
    locale: str = "en"
    sms: Texting | None = None
    slack: Slack | None = None
    gifts: Gifts | None = None
    video: Video | None = None
    referral: Referral | None = None
    next_steps: Mapping[NextStep, NextLink] = field(default_factory=dict)

    @property
    def channels(self) -> frozenset[ChannelName]:
        """The channels that are set up: they go out by themselves."""
        return _WITHOUT_SETUP | {name for name in _SET_UP_BY if getattr(self, _SET_UP_BY[name])}

    @property
    def channels_not_set_up(self) -> tuple[ChannelName, ...]:
        """Channels that the rulebook names and that cannot go out by themselves: plans skip them."""
        rulebook = self.rulebook
        answers = (
            *(tier.channels for tier in rulebook.policy.tiers.values()),
            *(r.channels or () for r in rulebook.rules),
        )
        return tuple(sorted({name for answer in answers for name in answer} & _SET_UP_BY.keys() - self.channels))

    def coach(self, coach_id: str | None) -> Coach:
        """The coach of that id, or the first one."""
        return next((coach for coach in self.coaches if coach.id == coach_id), self.coaches[0])


TenantsNow = Callable[[], Mapping[str, Tenant]]
"""The tenants in force, by id: whoever takes them for a piece of work keeps them to its end."""


def load_tenants(tenants_dir: Path, *, only: str | None = None) -> dict[str, Tenant]:
    """All tenants by id, or only the one of this id.

    Raises:
        TenantErrors: no tenant, or files that do not hold up.
    """
    tenants, errors = read_tenants(tenants_dir, only=only)
    if errors:
        raise TenantErrors(errors)
    return tenants


def read_tenants(tenants_dir: Path, *, only: str | None = None) -> tuple[dict[str, Tenant], list[str]]:
    """The same of those whose files hold up, and a line for each error in the others'."""
    errors: list[str] = []
    tenants: dict[str, Tenant] = {}
    folders = {name: folder for name, folder in tenant_folders(tenants_dir).items() if only in (None, name)}
    for name, folder in folders.items():
        try:
            tenants[name] = load_tenant(folder)
        except TenantErrors as error:
            errors += error.lines
    if not folders:
        errors.append(f"{tenants_dir}: no tenant; make a folder with tenant.yaml and coaches.yaml")
    return tenants, errors


def tenant_folders(tenants_dir: Path) -> dict[str, Path]:
    """The folders that hold a tenant, by its id; a mounted volume keeps its versions in hidden ones.

    What the disk does not give counts as absent: it may be one tenant's alone.
    """
    try:
        folders = sorted(path for path in tenants_dir.iterdir() if not path.name.startswith("."))
    except OSError:
        return {}
    return {path.name: path for path in folders if os.path.exists(path / TENANT)}  # noqa: PTH110 - its own raises


def rulebook_file(tenants_dir: Path | None, tenant: str) -> Path:
    """The file of a tenant's own rulebook; the starter's where it has none, or no folder."""
    folder = tenant_folders(tenants_dir).get(tenant) if tenants_dir else None
    return folder / RULEBOOK if folder and (folder / RULEBOOK).exists() else STARTER_RULEBOOK


def load_tenant(folder: Path) -> Tenant:
    """The tenant of a folder; blocks on the disk.

    Raises:
        TenantUnread: the disk does not give one of them.
        TenantErrors: files that do not hold up, every error of them.
    """
    errors: list[str] = []
    try:
        texts = {name: _text(folder / name) for name in FILES}
    except OSError as error:
        raise TenantUnread([str(error)]) from None
    file = _load(folder / TENANT, texts[TENANT], TenantFile, errors)
    coaches = _load(folder / COACHES, texts[COACHES], CoachesFile, errors)
    own = texts[RULEBOOK]
    path = STARTER_RULEBOOK if own is None else folder / RULEBOOK
    rulebook = _load_rulebook(path, read_plain(path) if own is None else own, errors)
    if not _is_id(folder.name):
        errors.append(f"{folder}: its name is the tenant's id: up to {_ID_MAX_CHARS} characters without spaces")
    if errors or file is None or coaches is None or rulebook is None:
        raise TenantErrors(errors)
    return Tenant(
        id=folder.name,
        name=file.name,
        timezone=file.timezone,
        locale=file.locale,
        sender=file.sender,
        sms=file.sms,
        slack=file.slack,
        gifts=file.gifts,
        video=file.video,
        referral=file.referral,
        next_steps=file.next_steps,
        coaches=coaches.coaches,
        sources=file.sources,
        rulebook=rulebook,
        folder=folder,
        has_own_rulebook=own is not None,
    )


def _is_id(name: str) -> bool:
    """Whether events, rows and labels can hold it; bytes that are no text are surrogates here (PEP 383)."""
    return name.isprintable() and " " not in name and len(name) <= _ID_MAX_CHARS


def _text(path: Path) -> bytes | None:
    """None where there is no such file."""
    try:
        return read_plain(path)
    except FileNotFoundError:
        return None


def _load(path: Path, text: bytes | None, kind: type[F], errors: list[str]) -> F | None:
    try:
        if text is not None:
            return kind.model_validate(read_yaml(text.decode())[0])
        errors.append(f"{path}: there is no such file")
    except ValidationError as error:
        errors += [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    except YamlFault as fault:
        errors.append(f"{path}:{fault.place.line}: {fault.text}")
    except UnicodeDecodeError as error:
        errors.append(f"{path}: {error}")
    return None


def _load_rulebook(path: Path, text: bytes, errors: list[str]) -> Rulebook | None:
    try:
        return load_rulebook(text.decode(), str(path))
    except RulebookErrors as error:
        errors += str(error).splitlines()
    except UnicodeDecodeError as error:
        errors.append(f"{path}: {error}")
    return None


def unknown_rule(tenants: Mapping[str, Tenant], tenant: str | None, rule: str) -> str | None:
    """What to correct in a rule that is in no rulebook of the tenant; None when one has it.

    Args:
        tenants: by id.
        tenant: whose rulebook counts; None for that of any tenant.
        rule: as somebody typed it; the text does not repeat it.
    """
    asked = [found for found in tenants.values() if tenant in (None, found.id)]
    known = sorted({name for found in asked for name in found.rulebook.by_id})
    if rule in known:
        return None
    whose = f"rulebook of {tenant}" if tenant else "tenant's rulebook"
    return f"no {whose} has this rule{nearest(rule, known)}"


def unknown_tenant(known: Collection[str], tenant: str) -> str | None:
    """What to correct in a tenant's name that is none of those known; None when it is one."""
    return None if tenant in known else f"no tenant has this name{nearest(tenant, known)}"
