"""Words: the text files that say what a message says, found and filled in.

It must never print a fact that is not known: templates are strict, run in Jinja's immutable
sandbox, and cannot reach anything but words and numbers.

Theory of operation: a file is named after a rule (`thirty-six.email.txt`), a rule's kind and
tier (`streak-streak.email.txt`), or a tier (`major.email.txt`); the most specific one wins, and
at the same name a tenant's own stands before ours. Its first lines are `Subject:`, `Preview:`
and `Title:`; the rest are paragraphs, parted by empty lines. A line that holds nothing but
an `if`, `set` or comment leaves no trace. Plain text and HTML come from the same paragraphs,
so they cannot differ.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateError, TemplateNotFound
from jinja2.exceptions import UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from schemas.milestone import Milestone
from streams.planning import english
from streams.planning.compose import Words

LOCALE = "en"
_KEPT_TEMPLATES = 1024
_KEPT_FOLDERS = 256
_LONE_TAG = re.compile(
    r"^[ \t]*(\{%-?\s*(?:if|elif|else|endif|set|for|endfor)\b(?:(?!%\}).)*%\}|\{#(?:(?!#\}).)*#\})[ \t]*\n",
    re.MULTILINE,
)
_HEAD_LINE = re.compile(r"^(Subject|Preview|Title):[ \t]*(.*)$")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_UNDEFINED = re.compile(r"'([\w ]+)' is undefined|has no attribute '(\w+)'")
_LEFTOVER = re.compile(r"\{\{|\}\}|\{%|%\}|\[\[")


class MissingFact(Exception):
    """A template needs a fact that is not there, or no template fits.

    Attributes:
        name: the fact, in the words of the template.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"the message needs {name}, which is not known")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message in words, before any layout.

    Attributes:
        subject: the subject or title line.
        preview: what a mailbox shows beside the subject; may be empty.
        paragraphs: one line each.
    """

    subject: str
    preview: str
    paragraphs: tuple[str, ...]


class _Folders(BaseLoader):
    """Reads templates from folders, the first that has the name."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:  # noqa: ARG002 - Jinja's protocol
        for folder in self._folders:
            path = folder / template
            if path.is_file():
                return _LONE_TAG.sub(r"\1", path.read_text(encoding="utf-8")), str(path), None
        raise TemplateNotFound(template)


class WordFiles:
    """The word files of ourselves and of every tenant.

    Args:
        ours: `deploy/templates`.
    """

    def __init__(self, ours: Path) -> None:
        self._ours = ours / LOCALE
        self._environment = lru_cache(maxsize=_KEPT_FOLDERS)(self._new_environment)
        self._template = lru_cache(maxsize=_KEPT_TEMPLATES)(self._find)

    def letter(
        self, milestone: Milestone, channel: str, words: Words, *, own: Path | None, template: str | None
    ) -> Letter:
        """Fill in the file that fits.

        Args:
            milestone: decides which file it is.
            channel: `in_app`, `email` or `sms`.
            words: what the file may use, see `streams.planning.compose`.
            own: the tenant's folder of templates, which may be absent.
            template: a name that a rule asks for, before all others.

        Raises:
            MissingFact: a word is not known, no file fits, or a tenant's file is broken.
        """
        kind = f"{milestone.kind}-{milestone.tier}"
        names = tuple(name for name in (template, milestone.rule, kind, milestone.tier) if name)
        try:
            return _parse(self._template(own, names, channel).render(words))
        except UndefinedError as error:
            raise MissingFact(_undefined(str(error))) from error
        except (TemplateError, OSError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise MissingFact(f"a template for {milestone.rule} on {channel} that works ({error})") from error

    def broken(self, own: Path | None = None) -> Iterator[str]:
        """A line for each word file, ours or a tenant's, that does not parse."""
        folder = own / LOCALE if own else self._ours
        for path in sorted(folder.glob("*.txt")):
            try:
                self._environment(own).get_template(path.name)
            except (TemplateError, UnicodeDecodeError) as error:
                yield f"{path}: {error}"

    def _find(self, own: Path | None, names: tuple[str, ...], channel: str) -> Template:
        return self._environment(own).select_template([f"{name}.{channel}.txt" for name in names])

    def _new_environment(self, own: Path | None) -> Environment:
        folders = (own / LOCALE, self._ours) if own else (self._ours,)
        environment = ImmutableSandboxedEnvironment(
            loader=_Folders(folders), undefined=StrictUndefined, auto_reload=False
        )
        environment.filters.update(words=english.number, ordinal=english.ordinal, upfirst=_upfirst)
        return environment


def _upfirst(text: str) -> str:
    """The text with its first letter in upper case; a leading quotation mark is passed over."""
    at = next((index for index, char in enumerate(text) if char.isalnum()), 0)
    return text[:at] + text[at : at + 1].upper() + text[at + 1 :]


def _undefined(complaint: str) -> str:
    found = _UNDEFINED.search(complaint)
    return (found[1] or found[2]) if found else complaint


def _parse(text: str) -> Letter:
    """Head lines and paragraphs.

    Raises:
        MissingFact: something that looks like a placeholder is left, or the subject is empty.
    """
    if _LEFTOVER.search(text):
        raise MissingFact("every placeholder filled in")
    head: dict[str, str] = {}
    lines = text.strip().splitlines()
    while lines and (found := _HEAD_LINE.match(lines[0])):
        head[found[1]] = found[2].strip()
        del lines[0]
    subject = head.get("Subject") or head.get("Title")
    paragraphs = tuple(" ".join(part.split()) for part in _PARAGRAPH.split("\n".join(lines)) if part.strip())
    if not subject or not paragraphs:
        raise MissingFact("a subject and a text")
    return Letter(subject=subject, preview=head.get("Preview", ""), paragraphs=paragraphs)
