"""Words: the text files that say what a message says, found and filled in.

It must never print a fact that is not known: templates are strict, run in Jinja's immutable
sandbox, and cannot reach anything but words and numbers.

Theory of operation: a language is a folder. In it a file is named after a rule
(`thirty-six.email.txt`), a rule's kind and tier (`streak-streak.email.txt`), or a tier
(`major.email.txt`); the most specific one wins, and at the same name a tenant's own stands
before ours. Its first lines are `Subject:`, `Preview:` and `Title:`; the rest are paragraphs,
parted by empty lines. A paragraph that begins with `>` is the step that the message suggests.
A line that holds nothing but a tag or comment leaves no trace. `{% either %} … {% or %} …
{% endeither %}` takes one of its phrasings, the next one each time. Files that begin with `_`
are parts that any message may need. Plain text and HTML come from the same paragraphs, so they
cannot differ.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from jinja2 import (
    BaseLoader,
    Environment,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.exceptions import UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agents.channels.phrasing import Either
from schemas.milestone import Milestone
from streams.planning.compose import Words
from streams.planning.languages import LANGUAGES, counted

_KEPT_TEMPLATES = 1024
_KEPT_FOLDERS = 256
_LONE_TAG = re.compile(
    r"^[ \t]*(\{%-?\s*(?:if|elif|else|endif|set|for|endfor|either|or|endeither)\b(?:(?!-?%\}).)*"
    r"|\{#(?:(?!-?#\}).)*)(-?[%#]\})[ \t]*\n",
    re.MULTILINE,
)
_HEAD_LINE = re.compile(r"^(Subject|Preview|Title):[ \t]*(.*)$")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_UNDEFINED = re.compile(r"'([\w ]+)' is undefined|has no attribute '(\w+)'")
_LEFTOVER = re.compile(r"\{\{|\}\}|\{%|%\}|\[\[")
_STEP = ">"
_FIXED = "_fixed.txt"


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
        steps: paragraphs that suggest a next step; they make room for another one.
    """

    subject: str
    preview: str
    paragraphs: tuple[str, ...]
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Whose words are looked up, and in which language.

    Attributes:
        own: the tenant's folder of templates; None when it has none.
        language: one of `streams.planning.languages`.
    """

    own: Path | None
    language: str


class _Folders(BaseLoader):
    """Reads templates from folders, the first that has the name."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:  # noqa: ARG002 - Jinja's protocol
        for folder in self._folders:
            path = folder / template
            if path.is_file():
                text = path.read_text(encoding="utf-8")
                return _LONE_TAG.sub(r"\1\n\2", text), str(path), None  # inside the tag a line end only counts lines
        raise TemplateNotFound(template)


class WordFiles:
    """The word files of ourselves and of every tenant.

    Args:
        ours: `deploy/templates`.
    """

    def __init__(self, ours: Path) -> None:
        self._ours = ours
        self._environment = lru_cache(maxsize=_KEPT_FOLDERS)(self._new_environment)
        self._template = lru_cache(maxsize=_KEPT_TEMPLATES)(self._find)
        self.fixed = lru_cache(maxsize=_KEPT_FOLDERS)(self._read_fixed)

    def letter(
        self, milestone: Milestone, channel: str, words: Words, *, voice: Voice, template: str | None = None
    ) -> Letter:
        """Fill in the file that fits.

        Args:
            milestone: decides which file it is.
            channel: `in_app`, `email`, `sms` or `slack`.
            words: what the file may use, see `streams.planning.compose`; and `phrase`.
            voice: the tenant's folder and the language.
            template: a name that a rule asks for, before all others.

        Raises:
            MissingFact: a word is not known, no file fits, or a tenant's file is broken.
        """
        names = (template, milestone.rule, f"{milestone.kind}-{milestone.tier}", milestone.tier)
        files = tuple(f"{name}.{channel}.txt" for name in names if name)
        return _parse(self._filled(voice, files, words, f"{milestone.rule} on {channel}"), headed=channel != "slack")

    def part(self, name: str, channel: str, words: Words, *, voice: Voice) -> tuple[str, ...]:
        """The paragraphs of a part, as in `_also.txt`; of `_also.sms.txt` where a channel has its own.

        Raises:
            MissingFact: as `letter`.
        """
        files = (f"_{name}.{channel}.txt", f"_{name}.txt")
        return _paragraphs(self._filled(voice, files, words, f"the part {name} on {channel}"))

    def broken(self, own: Path | None = None) -> Iterator[str]:
        """A line, with file and line, for each word file that does not parse and each folder of no known language."""
        ours = (self._ours / language for language in LANGUAGES)
        for folder in sorted(path for path in (own.glob("*") if own else ours) if path.is_dir()):
            if folder.name not in LANGUAGES:
                yield f"{folder}: no language that is spoken here; known are {', '.join(sorted(LANGUAGES))}"
                continue
            environment = self._environment(Voice(own=own, language=folder.name))
            for path in sorted(folder.glob("*.txt")):
                try:
                    environment.parse(path.read_text(encoding="utf-8"))  # as it stands, for the line
                    environment.get_template(path.name)
                except TemplateSyntaxError as error:
                    yield f"{path}:{error.lineno}: {error.message}"
                except (TemplateError, OSError, UnicodeDecodeError) as error:
                    yield f"{path}: {error}"

    def _filled(self, voice: Voice, files: tuple[str, ...], words: Words, what: str) -> str:
        try:
            text = self._template(voice, files).render(words)
        except UndefinedError as error:
            raise MissingFact(_undefined(str(error))) from error
        except (TemplateError, OSError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise MissingFact(f"a template for {what} that works ({error})") from error
        if _LEFTOVER.search(text):
            raise MissingFact("every placeholder filled in")
        return text

    def _find(self, voice: Voice, files: tuple[str, ...]) -> Template:
        return self._environment(voice).select_template(list(files))

    def _new_environment(self, voice: Voice) -> Environment:
        environment = ImmutableSandboxedEnvironment(
            loader=_Folders(self._folders(voice)), undefined=StrictUndefined, auto_reload=False, extensions=[Either]
        )
        language = LANGUAGES[voice.language]
        environment.filters.update(
            words=language.number, ordinal=language.ordinal, upfirst=_upfirst, counted=partial(_counted, voice.language)
        )
        return environment

    def _folders(self, voice: Voice) -> tuple[Path, ...]:
        return tuple(folder / voice.language for folder in (voice.own, self._ours) if folder)

    def _read_fixed(self, voice: Voice) -> Mapping[str, str]:
        """The short texts that never change, by name; a tenant's before ours."""
        files = (folder / _FIXED for folder in reversed(self._folders(voice)))
        lines = (line for path in files if path.is_file() for line in path.read_text(encoding="utf-8").splitlines())
        entries = (line.partition(":") for line in lines if not line.startswith("{#"))
        return {name.strip(): text.strip() for name, colon, text in entries if colon}


def _counted(language: str, count: float, one: str, other: str) -> str:
    return counted(count, language, one, other)


def _upfirst(text: str) -> str:
    """The text with its first letter in upper case; a leading quotation mark is passed over."""
    at = next((index for index, char in enumerate(text) if char.isalnum()), 0)
    return text[:at] + text[at : at + 1].upper() + text[at + 1 :]


def _undefined(complaint: str) -> str:
    found = _UNDEFINED.search(complaint)
    return (found[1] or found[2]) if found else complaint


def _parse(text: str, *, headed: bool) -> Letter:
    """Head lines and paragraphs; `headed` says that a subject is needed.

    Raises:
        MissingFact: the subject or the text is empty.
    """
    head: dict[str, str] = {}
    lines = text.strip().splitlines()
    while lines and (found := _HEAD_LINE.match(lines[0])):
        head[found[1]] = found[2].strip()
        del lines[0]
    subject = head.get("Subject") or head.get("Title") or ""
    every = _paragraphs("\n".join(lines))
    paragraphs = tuple(part for part in every if not part.startswith(_STEP))
    if not paragraphs or (headed and not subject):
        raise MissingFact("a subject and a text")
    return Letter(
        subject=subject,
        preview=head.get("Preview", ""),
        paragraphs=paragraphs,
        steps=tuple(part.lstrip("> ") for part in every if part.startswith(_STEP)),
    )


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in _PARAGRAPH.split(text) if part.strip())
