"""The rules of the house, as far as a program can hold them; each is shown to see a breach and to let pass
what is right."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents import settings

_ROOT = Path(__file__).parents[1]
_SOURCES = ("schemas", "streams", "agents", "demo")
_MODULE_LINES, _FUNCTION_LINES, _PAGE_LINES = 300, 40, 150
_EMPTY_WORDS = {"util", "utils", "common", "helper", "helpers", "base", "core", "manager", "misc"}
_FREE_TEST_FOLDERS = {"integration", "acceptance", "chaos", "benchmarks", "browser", "replays", "model"}
_ENDINGS = {"park", "stop", "end", "abort", "crash", "fatal", "exit", "fail", "close", "refuse", "refusal"}
_ENDINGS |= {"letter", "exception"}
_STATED_ANSWER = re.compile(r"# noqa: BLE001 - .*\b(?:parked|recorded|ends|stops)\b")
# Written so that this file does not break its own rules.
_MACHINE = re.compile(r"(?<![\w.-])/(?:wor[k]|roo[t]|hom[e]|User[s]|tm[p]|opt/wheel[s])/")
_REGISTRY = re.compile(
    r"pyp[i]\.org|pythonhoste[d]|repo1?\.mave[n]|registry\.np[m]|--(?:extra-)?index-ur[l]|proxy\.golan[g]"
)
_MAKERS = re.compile(
    r"(?i)\b(?:claud[e]|anthropi[c]|chatgp[t]|copilo[t]|openi?a[i]|gp[t]-?\d|ll[m]s?|ai[- ]generate[d])\b|\bissue #?\d"
)
_POOL = Path("agents/ledger/pool.py")
_LINGERING = re.compile(r"\.(?:cursor|fetchmany|copy_\w+)\(")
_SETTING = re.compile(r"\bCAIRN_[A-Z0-9_]*[A-Z0-9]\b(?!_?\*)")
_TEST_SETTINGS = {"CAIRN_TEST_KAFKA", "CAIRN_TEST_POSTGRES"}

Check = Callable[[Path, str], Iterator[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule: where it holds, what breaks it, and an example of each kind."""

    holds_for: Callable[[Path], bool]
    breaches: Check
    wrong: tuple[str, str]
    right: tuple[str, str]


def is_python(path: Path) -> bool:
    return path.suffix == ".py"


def is_source(path: Path) -> bool:
    return is_python(path) and path.parts[0] in _SOURCES


def is_test(path: Path) -> bool:
    return is_python(path) and path.parts[0] == "tests"


def is_page(path: Path) -> bool:
    return path.name in {"README.md", "CHANGELOG.md"}


def names_settings(path: Path) -> bool:
    return path.suffix in {".md", ".yml", ".yaml", ".example", ".toml"} or path.name == "Dockerfile"


def anything(_path: Path) -> bool:
    return True


def longer_than(limit: int) -> Check:
    def check(_path: Path, text: str) -> Iterator[str]:
        if (lines := len(text.splitlines())) >= limit:
            yield f"has {lines} lines, the limit is {limit}"

    return check


def containing(pattern: re.Pattern[str]) -> Check:
    def check(_path: Path, text: str) -> Iterator[str]:
        yield from (f"contains {match.group()!r}" for match in pattern.finditer(text))

    return check


def long_functions(_path: Path, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documentation = node.body[0] if ast.get_docstring(node) else None
            lines = (node.end_lineno or 0) - node.lineno + 1
            if documentation is not None:
                lines -= (documentation.end_lineno or 0) - documentation.lineno + 1
            if lines >= _FUNCTION_LINES:
                yield f"{node.name} has {lines} lines without its docstring"


def undocumented_modules(_path: Path, text: str) -> Iterator[str]:
    if not ast.get_docstring(ast.parse(text)):
        yield "has no docstring"


def empty_names(path: Path, _text: str) -> Iterator[str]:
    for part in path.with_suffix("").parts:
        if _EMPTY_WORDS & set(part.split("_")):
            yield f"{part!r} says nothing about what is inside"


def mocks(_path: Path, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        if any("mock" in f"{module}.{name}".split(".") for name in names):
            yield f"imports a mock in line {getattr(node, 'lineno', 0)}"


def loose_data_types(_path: Path, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            if "dataclass" in ast.unparse(decorator):
                keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
                given = {word.arg for word in keywords if ast.unparse(word.value) == "True"}
                if missing := {"frozen", "slots", "kw_only"} - given:
                    yield f"{node.name} is not {', '.join(sorted(missing))}"


def swallowed_errors(_path: Path, text: str) -> Iterator[str]:
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = ast.unparse(node.type) if node.type else "BaseException"
        if not {"Exception", "BaseException"} & set(re.findall(r"\w+", caught)):
            continue
        if not any(map(is_answer, ast.walk(node))) and not _STATED_ANSWER.search(lines[node.lineno - 1]):
            yield f"line {node.lineno} catches {caught} without a re-raise, a park or a stop"


def is_answer(node: ast.AST) -> bool:
    """Whether a statement raises, or calls something whose name says that an end is made."""
    if isinstance(node, ast.Call):
        return bool(_ENDINGS & set(re.findall(r"[a-z]+", ast.unparse(node.func).lower())))
    return isinstance(node, ast.Raise)


def strangers_among_tests(path: Path, _text: str) -> Iterator[str]:
    folder = path.parts[1:-1]
    if folder and folder[0] not in _FREE_TEST_FOLDERS and not _ROOT.joinpath(*folder).is_dir():
        yield f"mirrors no folder: there is no {'/'.join(folder)}"


def evaded_tests(_path: Path, text: str) -> Iterator[str]:
    for match in re.finditer(r"pytest\.(?:mark\.)?(?:skip|skipif|xfail|importorskip)\b", text):
        yield f"contains {match.group()}"


def unknown_settings(_path: Path, text: str) -> Iterator[str]:
    yield from (f"names {name}" for name in set(_SETTING.findall(text)) - known_settings())


def known_settings() -> set[str]:
    kinds = [kind for kind in vars(settings).values() if isinstance(kind, type) and issubclass(kind, settings.Settings)]
    return {f"CAIRN_{field.upper()}" for kind in kinds for field in kind.model_fields} | _TEST_SETTINGS


_LONG_FUNCTION = "def f():\n" + "    x = 1\n" * _FUNCTION_LINES
_DOCUMENTED = 'def f():\n    """Says.\n' + "\n    more\n" * _FUNCTION_LINES + '    """\n    return 1\n'
RULES = {
    "a module has one idea, so it is short": Rule(
        holds_for=is_python,
        breaches=longer_than(_MODULE_LINES),
        wrong=("agents/x.py", "x = 1\n" * _MODULE_LINES),
        right=("agents/x.py", "x = 1\n" * (_MODULE_LINES - 1)),
    ),
    "a page is read in a minute": Rule(
        holds_for=is_page,
        breaches=longer_than(_PAGE_LINES),
        wrong=("README.md", "word\n" * _PAGE_LINES),
        right=("README.md", "word\n" * (_PAGE_LINES - 1)),
    ),
    "a function is short": Rule(
        holds_for=is_python,
        breaches=long_functions,
        wrong=("agents/x.py", _LONG_FUNCTION),
        right=("agents/x.py", _DOCUMENTED),
    ),
    "a module says what it is for": Rule(
        holds_for=is_source,
        breaches=undocumented_modules,
        wrong=("agents/x.py", "x = 1\n"),
        right=("agents/x.py", '"""Holds x."""\n'),
    ),
    "a name says what is inside": Rule(
        holds_for=is_python,
        breaches=empty_names,
        wrong=("agents/string_utils.py", ""),
        right=("agents/baseline.py", ""),
    ),
    "tests meet the real thing": Rule(
        holds_for=is_python,
        breaches=mocks,
        wrong=("tests/test_x.py", "from unittest import mock\n"),
        right=("tests/test_x.py", "from unittest import TestCase\n"),
    ),
    "data types are frozen, slotted and keyword-only": Rule(
        holds_for=is_source,
        breaches=loose_data_types,
        wrong=("schemas/x.py", "@dataclass(frozen=True)\nclass X: ...\n"),
        right=("schemas/x.py", "@dataclass(frozen=True, slots=True, kw_only=True)\nclass X: ...\n"),
    ),
    "no error is swallowed": Rule(
        holds_for=is_source,
        breaches=swallowed_errors,
        wrong=("agents/x.py", "try: f()\nexcept (ValueError, Exception):\n    log.warning('oh')\n"),
        right=("agents/x.py", "try: f()\nexcept Exception:\n    park(record)\n"),
    ),
    "a connection of the pool leaves nothing behind": Rule(
        holds_for=lambda path: is_source(path) and path != _POOL,
        breaches=containing(_LINGERING),
        wrong=("agents/x.py", "await connection.copy_from_query(question)\n"),
        right=("agents/x.py", "await connection.fetch('SELECT 1')\n"),
    ),
    "nothing points into one machine": Rule(
        holds_for=anything,
        breaches=containing(_MACHINE),
        wrong=("docs/x.md", "see /" + "home/ada/notes"),
        right=("docs/x.md", "see https://example.org/home/ada and ./work/x"),
    ),
    "packages come from wherever the reader's tools get them": Rule(
        holds_for=anything,
        breaches=containing(_REGISTRY),
        wrong=("requirements/x.txt", "--index" + "-url https://example.org"),
        right=("Makefile", "uv pip compile --no-emit-index" + "-url"),
    ),
    "the project speaks of itself alone": Rule(
        holds_for=anything,
        breaches=containing(_MAKERS),
        wrong=("README.md", "as Copil" + "ot said"),
        right=("README.md", "issued for 3 sessions"),
    ),
    "tests mirror the tree": Rule(
        holds_for=is_test,
        breaches=strangers_among_tests,
        wrong=("tests/nowhere/test_x.py", ""),
        right=("tests/agents/embedded/test_x.py", ""),
    ),
    "every test runs": Rule(
        holds_for=is_test,
        breaches=evaded_tests,
        wrong=("tests/test_x.py", "@pytest.mark." + "skip\ndef test(): ..."),
        right=("tests/test_x.py", "def test_a_skip_is_seen(): ..."),
    ),
    "a setting that is written about exists": Rule(
        holds_for=names_settings,
        breaches=unknown_settings,
        wrong=("docs/x.md", "set CAIRN_COLOUR=red"),
        right=("docs/x.md", "`CAIRN_*`, as CAIRN_LOG_LEVEL"),
    ),
}


def tracked_texts() -> Iterator[tuple[Path, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=_ROOT, capture_output=True, text=True, check=True)  # noqa: S607 - git, wherever it is
    for name in filter(None, listed.stdout.split("\0")):
        try:
            yield Path(name), (_ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture or a font; a file that is about to be removed


@pytest.mark.parametrize("name", RULES)
def test_the_house_keeps_its_rule(name: str) -> None:
    rule = RULES[name]
    found = [
        f"{path} {breach}"
        for path, text in tracked_texts()
        if rule.holds_for(path)
        for breach in rule.breaches(path, text)
    ]
    assert not found, "\n".join([name, *found])


@pytest.mark.parametrize("name", RULES)
def test_a_rule_sees_its_breach_and_nothing_else(name: str) -> None:
    rule = RULES[name]
    for (path, text), is_wrong in ((rule.wrong, True), (rule.right, False)):
        assert rule.holds_for(Path(path))
        assert bool([*rule.breaches(Path(path), text)]) is is_wrong


def test_every_setting_is_explained() -> None:
    explained = set(_SETTING.findall((_ROOT / ".env.example").read_text()))
    clock_of_demonstrations = {name for name in known_settings() if name.startswith("CAIRN_CLOCK_")}
    assert known_settings() - _TEST_SETTINGS - clock_of_demonstrations <= explained
