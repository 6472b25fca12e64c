"""An experiment is told as a coach would tell it."""

import io
from pathlib import Path

from rich.console import Console

from agents.experiment_sentences import experiment_sentence
from agents.rules_show import run_rules_show
from schemas.experiments import Experiment


def told(**words: object) -> str:
    return experiment_sentence(Experiment.model_validate(words))


def test_it_says_what_is_compared_and_who_gets_which() -> None:
    variants = {"long": {"share": 0.7}, "short": {"template": "brief"}}
    assert told(id="words", tiers=["streak"], variants=variants) == (
        "words: of the clients with milestones of the tier streak, 70% get long (as ever), 30% get short "
        "(the words brief)."
    )


def test_a_way_is_told_with_all_that_it_changes() -> None:
    variants = {"text": {"channels": ["email"]}, "video": {"channels": ["email", "video"], "next": "check_in"}}
    assert told(id="format", rules=["halfway", "done"], variants=variants) == (
        "format: of the clients with milestones of the rules halfway, done, 50% get text (by email), 50% get video "
        "(by email, video, pointing to: check in)."
    )


def test_a_rulebook_is_shown_with_its_experiments(tmp_path: Path) -> None:
    rules = tmp_path / "r.yaml"
    rules.write_text("rules: []\nexperiments: [{id: words, tiers: [streak], variants: {a: {}, b: {next: offer}}}]\n")
    shown = io.StringIO()
    out = Console(file=shown, width=200)
    assert run_rules_show(rules, out=out, err=out) == 0
    assert "words: of the clients with milestones of the tier streak, 50% get a (as ever)" in shown.getvalue()
