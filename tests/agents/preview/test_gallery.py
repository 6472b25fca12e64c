"""The preview shows every word file, works without a network, and names what is broken."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.channels.render import Renderer
from agents.cli import load
from agents.preview.gallery import write_gallery
from agents.preview.samples import OCCASIONS, SAMPLES

APP = load()

TENANT = "name: Iron & Oak\nlocale: de\nsender: {from_name: Iron, from_address: hello@iron.example}\n"
COACHES = "coaches: [{id: jo, name: Jo Keller, email: jo@iron.example}]\n"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gallery")
    write_gallery({}, out, Renderer())
    return out


@pytest.fixture
def tenants(tmp_path: Path) -> Path:
    folder = tmp_path / "tenants" / "iron-and-oak"
    (folder / "templates" / "de").mkdir(parents=True)
    (folder / "tenant.yaml").write_text(TENANT, encoding="utf-8")
    (folder / "coaches.yaml").write_text(COACHES, encoding="utf-8")
    (folder / "templates" / "de" / "micro.in_app.txt").write_text(
        "Title: Servus\n\nGanz eigene Worte.\n", encoding="utf-8"
    )
    return tmp_path / "tenants"


def test_every_sample_is_on_the_page_of_every_language(gallery: Path) -> None:
    for language in ("en", "de"):
        page = (gallery / f"cairn-{language}.html").read_text(encoding="utf-8")
        assert all(f">{name}</h2>" in page for name in [*SAMPLES, *OCCASIONS])
        assert page.count('class="phone"') == page.count('class="desktop"') == len(SAMPLES) + len(OCCASIONS)
        assert "segment" in page


def test_what_is_named_is_there_and_nothing_comes_from_a_network(gallery: Path) -> None:
    for page in gallery.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'(?:src|srcset)="(?:https?:|//|cid:)', text), page
        for source in re.findall(r'src="([^"]+)"', text):
            assert (page.parent / source).is_file(), source


def test_a_practices_own_words_are_shown_in_its_language_first(tenants: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(APP, ["preview", "--tenants-dir", str(tenants), "--out", str(out)])
    assert done.exit_code == 0, done.output
    index = (out / "index.html").read_text(encoding="utf-8")
    assert index.index("iron-and-oak-de.html") < index.index("iron-and-oak-en.html")
    assert "Ganz eigene Worte." in (out / "iron-and-oak-de.html").read_text(encoding="utf-8")
    assert "Ganz eigene Worte." not in (out / "cairn-de.html").read_text(encoding="utf-8")


def test_a_broken_word_file_is_named_with_its_line(tenants: Path, tmp_path: Path) -> None:
    words = tenants / "iron-and-oak" / "templates"
    (words / "de" / "major.email.txt").write_text("Subject: x\n\n{% either %}a{% or %}b\n", encoding="utf-8")
    (words / "fr").mkdir()
    done = CliRunner().invoke(APP, ["preview", "--tenants-dir", str(tenants), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert re.search(r"de/major\.email\.txt:\d+: ", done.output.replace("\n", ""))
    assert "no language that is spoken here" in done.output.replace("\n", " ")
