"""The gallery: pages that show every message of a practice in every language, without a network.

It must never show a real client, nor fetch anything: pictures stand beside the pages, and every
link leads to a reserved name.

Theory of operation: one page for each practice and language, an index before them; each mail is
a file of its own, shown in two frames, as wide as a phone and as a desktop.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agents.channels.badge import Badges
from agents.channels.render import Rendered, Renderer
from agents.channels.sms_text import segments
from agents.preview.samples import PEOPLE
from agents.preview.scenes import CHANNELS, PHRASINGS, Scene, Shown, scenes_of, show
from agents.tenants import STARTER_RULEBOOK, Tenant
from schemas.rulebook import load_rulebook
from schemas.tenant import Coach, Sender
from streams.planning.languages import LANGUAGES

_HERE = Path(__file__).parent
_DEPLOY = _HERE.parents[1] / "deploy"
_SIZES_PX = (64, 128, 400)
_BADGES = (("14-Day Iron Streak", 14), ("30-Day Iron Streak", 30), ("100 sessions", 100), ("One year", None))
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")
_POSTER = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 470 264"><rect width="470" height="264" fill="#24384c"/>'
    '<circle cx="235" cy="132" r="44" fill="#fff"/><path d="M222 108l40 24-40 24z" fill="#24384c"/></svg>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the gallery.

    Attributes:
        missing: how many messages lack a fact.
    """

    file: str
    practice: str
    language: str
    scenes: tuple[str, ...]
    missing: int


def write_gallery(tenants: Mapping[str, Tenant], out: Path, renderer: Renderer) -> tuple[Page, ...]:
    """Write all pages; what stands in the folder from before is written over.

    Args:
        tenants: practices with words of their own; ours come first in any case.
        out: the folder, made if it is not there.
        renderer: what real messages are rendered with.
    """
    for folder in ("mails", "pictures"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    (out / "pictures" / "poster.svg").write_text(_POSTER, encoding="utf-8")
    _draw_badges(out)
    environment = Environment(
        loader=FileSystemLoader(_HERE), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    pages = tuple(
        _Writer(renderer=renderer, tenant=tenant, language=language, out=out).write(environment)
        for tenant in (sample_practice(), *tenants.values())
        for language in sorted(LANGUAGES, key=lambda name: (name != tenant.locale, name))
    )
    index = environment.get_template("index.html.j2").render(pages=pages, badges=_BADGES, sizes=_SIZES_PX, slug=_slug)
    (out / "index.html").write_text(index, encoding="utf-8")
    return pages


def sample_practice() -> Tenant:
    """A practice without words of its own: it shows ours."""
    coach = Coach(id="jo", name="Jo Keller", email="jo@practice.example", signature="Northstar Strength, Vienna")
    return Tenant(
        id="cairn",
        name="Northstar Strength",
        timezone="Europe/Vienna",
        sender=Sender(from_name="Jo at Northstar", from_address="hello@practice.example"),
        coaches=(coach,),
        sources=(),
        rulebook=load_rulebook(STARTER_RULEBOOK.read_text(encoding="utf-8"), "starter.yaml"),
        folder=_HERE / "none",
    )


class _Writer:
    """Writes the page of one practice in one language, and its mails."""

    def __init__(self, *, renderer: Renderer, tenant: Tenant, language: str, out: Path) -> None:
        self._renderer, self._tenant, self._language, self._out = renderer, tenant, language, out
        self._numbers = count(1)
        self._missing = 0

    def write(self, environment: Environment) -> Page:
        scenes = tuple(scenes_of(self._tenant))
        shown = [(scene.name, _slug(scene.name), *self._people(scene)) for scene in scenes]
        file = f"{_slug(self._tenant.id)}-{self._language}.html"
        page = environment.get_template("page.html.j2").render(
            practice=self._tenant.name, language=self._language, scenes=shown, segments=segments, markup=Markup
        )
        (self._out / file).write_text(page, encoding="utf-8")
        return Page(
            file=file,
            practice=self._tenant.name,
            language=self._language,
            scenes=tuple(scene.name for scene in scenes),
            missing=self._missing,
        )

    def _people(self, scene: Scene) -> Iterator[list[dict[str, object]]]:
        """The first person with a mail in frames; the other phrasings; the other people."""
        first, *others = PEOPLE
        yield [self._person(scene, first.label, self._all(scene, 0, 0))]
        yield [self._person(scene, f"phrasing {n + 1}", self._all(scene, 0, n)) for n in range(1, PHRASINGS)]
        yield [self._person(scene, other.label, self._all(scene, n, 0)) for n, other in enumerate(others, start=1)]

    def _all(self, scene: Scene, person: int, phrase: int) -> Iterable[Shown]:
        for channel in CHANNELS:
            yield show(self._renderer, self._tenant, self._language, scene, PEOPLE[person], channel, phrase)

    def _person(self, scene: Scene, label: str, messages: Iterable[Shown]) -> dict[str, object]:
        by_channel = {shown.channel: shown for shown in messages}
        self._missing += sum(1 for shown in by_channel.values() if shown.missing)
        mail = by_channel["email"].rendered
        return {"label": label, "shown": by_channel, "mail": self._mail_file(scene, mail) if mail else None}

    def _mail_file(self, scene: Scene, mail: Rendered) -> str:
        number = next(self._numbers)
        name = f"mails/{_slug(self._tenant.id)}-{self._language}-{number:03}-{_slug(scene.name)}"
        html = mail.html
        for picture in mail.inline:
            (self._out / f"{name}.png").write_bytes(picture.png)
            html = html.replace(f"cid:{picture.cid}", f"../{name}.png")
        (self._out / f"{name}.html").write_text(html, encoding="utf-8")
        return f"{name}.html"


def _draw_badges(out: Path) -> None:
    badges = Badges(_DEPLOY / "templates" / "badge.svg.j2", _DEPLOY / "fonts" / "LeagueSpartan-Bold.otf")
    for name, number in _BADGES:
        for size in _SIZES_PX:
            (out / "pictures" / f"{_slug(name)}-{size}.png").write_bytes(badges.png(name, number, size))


def _slug(name: str) -> str:
    return _NOT_A_NAME.sub("-", name.lower()).strip("-")
