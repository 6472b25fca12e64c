"""Secret files: what tenants authenticate with, a file each below the secrets folder, sealed if there is a key.

It must never log or print a value, nor lose the one that is still in use: a new value goes before the one that was
valid, and both hold until the old one is retired.

Theory of operation: a file `TENANT/NAME` holds one valid value a line, the newest first. A line that begins with
`sealed:` is a Fernet token (AES-128-CBC and HMAC-SHA256, https://github.com/fernet/spec) under one of
`CAIRN_SECRETS_KEY`; the first of them seals, all of them open, so keys rotate as values do. What no key opens counts as
absent, and says so. What the disk does not give is not absent: it may be in use, and comes back.
"""

import errno
import os
import re
import secrets as randomness
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from agents.nearest import nearest
from agents.plain_file import read_plain

_SEALED: Final = "sealed:"
_VALID_AT_ONCE: Final = 2
_CAUSES: Final[Mapping[int | None, str]] = MappingProxyType(
    {
        errno.EACCES: "may not be read by this process",
        errno.EFBIG: "is larger than 1 MiB",
        errno.EINVAL: "is no file with a text",
        errno.EISDIR: "is a folder, and no file with a text",
    }
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_log = structlog.get_logger()


class SecretRefused(Exception):
    """A secret file stays as it is; the text says what to do, and shows no value."""


class SecretUnreadable(OSError):
    """What is there under a secret's name gives no values; the text names it and the cause."""


class _NoText(SecretUnreadable):
    """It holds bytes that are no text, which no other reading will change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A secret file, without what it holds.

    Attributes:
        values: how many are valid.
        plain: how many of its lines anybody can read who reads the file.
        unreadable: how many no key opens, or that are not read at all.
        refusal: why it cannot be read, with its name; None for one that can.
    """

    tenant: str
    name: str
    values: int
    plain: int
    unreadable: int
    refusal: str | None = None


class SecretFiles:
    """Reads and writes the secrets of tenants.

    Args:
        folder: holds a folder for each tenant.
        keys: Fernet keys, the one that seals first; without one, values are written as they are.
    """

    def __init__(self, folder: Path, keys: Sequence[str] = ()) -> None:
        self.folder = folder
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def values(self, tenant: str, name: str) -> tuple[str, ...]:
        """The valid values, newest first; empty when the file is absent, is no text, or no key opens it.

        Raises:
            SecretUnreadable: the disk does not give it.
        """
        try:
            opened = self.opened(tenant, name)
        except _NoText as error:
            _log.error("secret.unreadable", tenant=tenant, name=name, hint=str(error))
            return ()
        if None in opened:
            _log.error("secret.unreadable", tenant=tenant, name=name, hint="no key of CAIRN_SECRETS_KEY opens it")
        return tuple(value for value in opened if value is not None)

    def opened(self, tenant: str, name: str) -> tuple[str | None, ...]:
        """Each value, newest first; None for one that no key opens. Empty when the file is absent.

        Raises:
            SecretUnreadable: something is there that cannot be read, or is no text.
        """
        return tuple(map(self._opened, self._lines(tenant, name)))

    def put(self, tenant: str, name: str, value: str, *, beside_all: bool = False) -> None:
        """Make a value valid, beside the one that was; of several users of one secret, beside all of theirs.

        Raises:
            SecretRefused: a line cannot be opened and might be in use, two values are valid already, or the value or
                name can be none.
            SecretUnreadable: what is there cannot be read, and might be in use.
            OSError: the folder cannot be written.
        """
        if not value.isprintable() or value != value.strip() or not value or value.startswith(_SEALED):
            raise SecretRefused(f"what is given for {name} of {tenant} is no line of printable characters")
        before = [line for line in self._readable(tenant, name) if self._opened(line) != value]
        if len(before) >= _VALID_AT_ONCE and not beside_all:
            raise SecretRefused(
                f"{name} of {tenant} has {len(before)} valid values: once nobody uses the older ones, "
                f"`cairn secrets retire {tenant} {name}`; then put the new one"
            )
        self._write(tenant, name, [self._sealed(value), *before])

    def retire(self, tenant: str, name: str) -> int:
        """Leave the newest value alone valid; how many are not any more.

        Raises:
            SecretRefused: there is no such file, or a line cannot be opened and might be in use.
            SecretUnreadable: the file cannot be read.
            OSError: the folder cannot be written.
        """
        lines = self._readable(tenant, name)
        if not lines:
            known = [there for _, there in self._places(tenant)]
            raise SecretRefused(f"{tenant} has no secret of this name{nearest(name, known)}")
        if len(lines) > 1:
            self._write(tenant, name, lines[:1])
        return max(len(lines) - 1, 0)

    def seal(self, tenant: str, name: str) -> bool:
        """Seal a file under the first key; False, and nothing is written, when a line of it cannot be opened.

        Raises:
            SecretUnreadable: the file cannot be read.
            OSError: the folder cannot be written.
        """
        values = self.opened(tenant, name)
        known = [value for value in values if value is not None]
        if self._fernet is None or len(known) < len(values):
            return False
        self._write(tenant, name, [self._sealed(value) for value in known])
        return True

    def list_all(self, tenant: str | None = None) -> Iterator[Kept]:
        """Every secret file, by tenant and name, also those that cannot be read; hidden ones are a volume's own."""
        return (self._kept(of, name) for of, name in self._places(tenant))

    def _places(self, tenant: str | None) -> Iterator[tuple[str, str]]:
        for path in sorted(self.folder.glob("*/*")):
            of = path.parent.name
            if path.exists() and not (path.name.startswith(".") or of.startswith(".")) and tenant in (None, of):
                yield of, path.name

    def _kept(self, tenant: str, name: str) -> Kept:
        try:
            lines = self._lines(tenant, name)
        except SecretUnreadable as error:
            return Kept(tenant=tenant, name=name, values=0, plain=0, unreadable=1, refusal=str(error))
        opened = [self._opened(line) for line in lines]
        return Kept(
            tenant=tenant,
            name=name,
            values=len([value for value in opened if value is not None]),
            plain=len([line for line in lines if not line.startswith(_SEALED)]),
            unreadable=opened.count(None),
        )

    def _lines(self, tenant: str, name: str) -> list[str]:
        try:
            text = read_plain(self.folder / tenant / name).decode()
        except (FileNotFoundError, NotADirectoryError):
            return []
        except UnicodeDecodeError:
            raise _NoText(f"{name} of {tenant} holds bytes that are no text (UTF-8)") from None
        except OSError as error:
            cause = _CAUSES.get(error.errno, f"cannot be read: {error.strerror}")
            raise SecretUnreadable(f"{name} of {tenant} {cause}") from error
        return [line.strip() for line in text.split("\n") if line.strip()]

    def _readable(self, tenant: str, name: str) -> list[str]:
        if not _NAME.fullmatch(name):
            raise SecretRefused("the name of a secret is a file's, as in acuity.key: letters, digits, dots and dashes")
        lines = self._lines(tenant, name)
        if any(self._opened(line) is None for line in lines):
            raise SecretRefused(
                f"no key of CAIRN_SECRETS_KEY opens {name} of {tenant}, which may be in use: "
                f"set the key that sealed it, or delete {self.folder / tenant / name} if that is lost"
            )
        return lines

    def _opened(self, line: str) -> str | None:
        if not line.startswith(_SEALED):
            return line
        if self._fernet is None:
            return None
        try:
            return self._fernet.decrypt(line.removeprefix(_SEALED)).decode()
        except (InvalidToken, ValueError):  # the latter: letters of no token, or what was sealed is no text
            return None

    def _sealed(self, value: str) -> str:
        return value if self._fernet is None else f"{_SEALED}{self._fernet.encrypt(value.encode()).decode()}"

    def _write(self, tenant: str, name: str, lines: Sequence[str]) -> None:
        """Replace a file whole, readable by its owner alone."""
        path = self.folder / tenant / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f".{name}.{randomness.token_hex(4)}")
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(file, "w", encoding="utf-8") as text:
                text.writelines(f"{line}\n" for line in lines)
                text.flush()
                os.fsync(text.fileno())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
