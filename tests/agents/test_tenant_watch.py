"""Files change under a running process: what holds up comes into force, what does not is told and changes nothing."""

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from agents.tenant_watch import TenantWatch
from agents.tenants import Tenant, TenantErrors
from tests.agents.test_tenants import COACHES, TENANT

Watched = TenantWatch[Mapping[str, Tenant]]


def rulebook(version: int, reaches: int = 1) -> str:
    rule = f"{{id: goal, tier: micro, when: {{count: goal.completed, reaches: [{reaches}]}}}}"
    return f"# ours\nversion: {version}\nrules:\n  - {rule}\n"


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def watch(tenants_dir: Path) -> Watched:
    return Watched(tenants_dir, lambda tenants: tenants)


def looked(watched: Watched) -> list[Any]:
    """The log of one look that reads every change."""
    with capture_logs() as logs:
        watched.look(settled=False)
    return logs


def rejected() -> dict[str, float | None]:
    return {
        reason: REGISTRY.get_sample_value("cairn_rules_rejected", {"reason": reason})
        for reason in ("invalid", "version", "gone")
    }


def reaches(watched: Watched, tenant: str = "iron") -> tuple[int, ...]:
    (rule,) = watched.current()[tenant].rulebook.rules
    return rule.when.reaches


@pytest.fixture
def iron(tmp_path: Path) -> Path:
    write(tmp_path / "iron", tenant=TENANT, coaches=COACHES, rulebook=rulebook(1))
    return tmp_path / "iron"


def test_a_raised_version_comes_into_force_when_two_looks_have_found_it(iron: Path) -> None:
    watched = watch(iron.parent)
    before = watched.current()
    write(iron, rulebook=rulebook(2, reaches=5))
    watched.look()
    assert watched.current() is before
    watched.look()
    assert reaches(watched) == (5,)
    assert before["iron"].rulebook.version == 1


def test_a_file_that_is_still_being_written_is_not_read(iron: Path) -> None:
    watched = watch(iron.parent)
    whole = rulebook(2, reaches=5)
    for end in (20, 30, len(whole)):
        write(iron, rulebook=whole[:end])
        with capture_logs() as logs:
            watched.look()
        assert logs == []
    watched.look()
    assert reaches(watched) == (5,)


def test_what_is_in_force_is_prepared_once_and_stays_the_same_object_until_something_changes(iron: Path) -> None:
    prepared: list[int] = []

    def prepare(tenants: Mapping[str, Tenant]) -> object:
        prepared.append(tenants["iron"].rulebook.version)
        return object()

    watched = TenantWatch(iron.parent, prepare)
    first = watched.current()
    os.utime(iron / "rulebook.yaml")
    watched.look(settled=False)
    assert watched.current() is first
    write(iron, rulebook=rulebook(2))
    watched.look(settled=False)
    assert watched.current() is not first
    assert prepared == [1, 2]


def test_a_bad_rulebook_changes_nothing_and_is_told_once_with_its_file_and_line(iron: Path) -> None:
    watched = watch(iron.parent)
    before = watched.current()
    write(iron, rulebook=rulebook(2).replace("micro", "mikro"))
    (told,) = looked(watched)
    assert (told["log_level"], told["tenant"], told["reason"]) == ("error", "iron", "invalid")
    assert f"{iron}/rulebook.yaml:4:" in told["detail"]
    assert "did you mean micro?" in told["detail"]
    assert looked(watched) == []
    assert watched.current() is before
    assert rejected() == {"invalid": 1, "version": 0, "gone": 0}
    write(iron, rulebook=rulebook(2, reaches=3))
    looked(watched)
    assert reaches(watched) == (3,)
    assert rejected() == {"invalid": 0, "version": 0, "gone": 0}


@pytest.mark.parametrize(("version", "goal"), [(7, 9), (6, 9), (6, 1)])
def test_a_version_that_was_not_raised_is_refused_with_its_line(iron: Path, version: int, goal: int) -> None:
    write(iron, rulebook=rulebook(7))
    watched = watch(iron.parent)
    write(iron, rulebook=rulebook(version, reaches=goal))
    (told,) = looked(watched)
    assert told["reason"] == "version"
    assert f"{iron}/rulebook.yaml:2:" in told["detail"]
    assert f"is {version}, but the rulebook in force has 7" in told["detail"]
    assert reaches(watched) == (1,)
    assert rejected()["version"] == 1


def test_a_new_comment_needs_no_new_version_and_putting_the_old_file_back_is_no_fault(iron: Path) -> None:
    watched = watch(iron.parent)
    write(iron, rulebook="# more\n" + rulebook(1))
    looked(watched)
    assert rejected()["version"] == 0
    write(iron, rulebook=rulebook(1, reaches=2))
    looked(watched)
    assert rejected()["version"] == 1
    write(iron, rulebook=rulebook(1))
    looked(watched)
    assert rejected()["version"] == 0


def test_a_version_without_a_line_is_refused_at_the_beginning_of_the_file(iron: Path) -> None:
    watched = watch(iron.parent)
    write(iron, rulebook=rulebook(1, reaches=9).replace("version: 1\n", ""))
    (told,) = looked(watched)
    assert f"{iron}/rulebook.yaml:1:1: version: is 1" in told["detail"]


def test_the_first_rulebook_of_its_own_may_begin_at_any_version(tmp_path: Path) -> None:
    write(tmp_path / "iron", tenant=TENANT, coaches=COACHES)
    watched = watch(tmp_path)
    assert not watched.current()["iron"].has_own_rulebook
    write(tmp_path / "iron", rulebook=rulebook(1, reaches=4))
    looked(watched)
    assert reaches(watched) == (4,)


def test_a_new_folder_is_served_and_a_bad_one_stops_nobody(iron: Path) -> None:
    watched = watch(iron.parent)
    write(iron.parent / "oak", tenant=TENANT, coaches="coaches: []", rulebook=rulebook(1))
    (told,) = looked(watched)
    assert (told["tenant"], told["reason"], set(watched.current())) == ("oak", "invalid", {"iron"})
    write(iron.parent / "oak", coaches=COACHES)
    write(iron, rulebook=rulebook(2, reaches=5))
    looked(watched)
    assert (reaches(watched), reaches(watched, "oak")) == ((5,), (1,))


def test_a_bad_new_folder_that_is_taken_away_is_forgotten(iron: Path) -> None:
    watched = watch(iron.parent)
    write(iron.parent / "oak", tenant="no tenant")
    looked(watched)
    shutil.rmtree(iron.parent / "oak")
    assert looked(watched) == []
    assert rejected() == {"invalid": 0, "version": 0, "gone": 0}


def test_a_folder_that_is_gone_keeps_its_tenant_and_is_warned_of_once(iron: Path) -> None:
    watched = watch(iron.parent)
    before = watched.current()
    iron.rename(iron.parent / ".away")
    (told,) = looked(watched)
    assert (told["log_level"], told["tenant"], told["reason"]) == ("warning", "iron", "gone")
    assert looked(watched) == []
    assert watched.current() is before
    assert rejected()["gone"] == 1
    (iron.parent / ".away").rename(iron)
    looked(watched)
    assert rejected()["gone"] == 0


def test_a_rulebook_that_is_gone_is_not_replaced_by_the_starter(iron: Path) -> None:
    watched = watch(iron.parent)
    (iron / "rulebook.yaml").unlink()
    (told,) = looked(watched)
    assert (told["reason"], reaches(watched)) == ("gone", (1,))


def test_a_mounted_volume_whose_links_are_swapped_is_seen_although_size_and_time_are_the_same(tmp_path: Path) -> None:
    folder, mount = tmp_path / "iron", tmp_path / "iron" / "..data"
    for number in (1, 2):
        write(folder / f"..{number}", tenant=TENANT, coaches=COACHES, rulebook=rulebook(number, reaches=number))
        for file in (folder / f"..{number}").iterdir():
            os.utime(file, (1, 1))
    mount.symlink_to("..1")
    for name in ("tenant.yaml", "coaches.yaml", "rulebook.yaml"):
        (folder / name).symlink_to(f"..data/{name}")
    watched = watch(tmp_path)
    assert reaches(watched) == (1,)
    (folder / "..new").symlink_to("..2")
    (folder / "..new").rename(mount)
    watched.look()
    watched.look()
    assert reaches(watched) == (2,)


def test_the_digests_in_force_are_shown_and_those_before_are_not(iron: Path) -> None:
    watched = watch(iron.parent)
    before = watched.current()["iron"].rulebook.digest
    write(iron, rulebook=rulebook(2, reaches=77))
    looked(watched)
    after = watched.current()["iron"].rulebook.digest
    name = "cairn_rules_loaded_timestamp_seconds"
    assert REGISTRY.get_sample_value(name, {"digest": before}) is None
    assert REGISTRY.get_sample_value(name, {"digest": after}) is not None


def test_a_coach_whose_line_is_no_yaml_is_refused_without_being_quoted(iron: Path) -> None:
    watched = watch(iron.parent)
    write(iron, coaches="coaches:\n  - {id: mara, email: mara@example.org\n")
    (told,) = looked(watched)
    assert f"{iron}/coaches.yaml:3: " in told["detail"]
    assert "mara@" not in told["detail"]


def test_a_start_with_files_that_do_not_hold_up_is_refused(iron: Path) -> None:
    write(iron, rulebook="rules: 7")
    with pytest.raises(TenantErrors, match=r"rulebook\.yaml:1"):
        watch(iron.parent)


async def test_a_hangup_signal_means_look_now(iron: Path) -> None:
    watched, before = watch(iron.parent), signal.getsignal(signal.SIGHUP)
    running = asyncio.create_task(watched.run(interval_seconds=600))
    await asyncio.sleep(0)
    write(iron, rulebook=rulebook(2, reaches=5))
    os.kill(os.getpid(), signal.SIGHUP)
    async with asyncio.timeout(10):
        while reaches(watched) != (5,):  # noqa: ASYNC110 - sampled, as a batch does
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert signal.getsignal(signal.SIGHUP) is before


async def test_it_looks_by_itself(iron: Path) -> None:
    watched = watch(iron.parent)
    running = asyncio.create_task(watched.run(interval_seconds=0.01))
    write(iron, rulebook=rulebook(2, reaches=5))
    async with asyncio.timeout(10):
        while reaches(watched) != (5,):  # noqa: ASYNC110 - sampled, as a batch does
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
