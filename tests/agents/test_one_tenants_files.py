"""Whatever one tenant's files are, the others are looked after, and it is read again once it can be."""

import os
import resource
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.agents.leased import leased
from tests.agents.test_tenant_watch import iron, looked, reaches, rejected, rulebook, watch, write
from tests.agents.test_tenants import COACHES, TENANT

__all__ = ["iron"]


@pytest.mark.parametrize("name", ["tenant", "coaches", "rulebook"])
@pytest.mark.parametrize(
    "text", ["a: 2026-99-99", "a: 0x_", "!!timestamp x", "!!bool x", "[" * 5_000, "a: &a [*a]", "\x00", "x" * 2**21]
)
def test_whatever_a_file_of_one_tenant_holds_the_others_are_looked_after(iron: Path, name: str, text: str) -> None:
    write(iron.parent / "oak", tenant=TENANT, coaches=COACHES, rulebook=rulebook(1))
    watched = watch(iron.parent)
    write(iron.parent / "oak", **{name: text})
    write(iron, rulebook=rulebook(2, reaches=5))
    assert [told["tenant"] for told in looked(watched) if told["event"] == "rules.rejected"] == ["oak"]
    assert (reaches(watched), reaches(watched, "oak"), rejected()["invalid"]) == ((5,), (1,), 1)


@pytest.mark.parametrize("place", ["oak", "oak/tenant.yaml", "oak/coaches.yaml", "oak/rulebook.yaml"])
def test_a_place_that_the_disk_cannot_look_up_keeps_its_tenant_and_stops_no_other(iron: Path, place: str) -> None:
    write(iron.parent / "oak", tenant=TENANT, coaches=COACHES, rulebook=rulebook(1))
    watched = watch(iron.parent)
    (iron.parent / place).rename(iron.parent / ".away")
    (iron.parent / place).symlink_to("x" * 300)  # ENAMETOOLONG, which pathlib does not take for an absence
    write(iron, rulebook=rulebook(2, reaches=5))
    assert [told["tenant"] for told in looked(watched) if told["event"] == "rules.rejected"] == ["oak"]
    assert (reaches(watched), reaches(watched, "oak")) == ((5,), (1,))


def test_a_process_without_a_free_descriptor_keeps_its_tenants_and_looks_again(iron: Path) -> None:
    watched, before = watch(iron.parent), resource.getrlimit(resource.RLIMIT_NOFILE)
    write(iron, rulebook=rulebook(2, reaches=5))
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    try:
        looked(watched)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert reaches(watched) == (1,)
    looked(watched)
    assert (reaches(watched), rejected()["gone"]) == ((5,), 0)


@pytest.mark.parametrize("name", ["oak hill", "oak\nhill", "\udcff", "o" * 129])
def test_a_folder_whose_name_can_be_no_id_is_refused(iron: Path, name: str) -> None:
    watched = watch(iron.parent)
    write(iron.parent / name, tenant=TENANT, coaches=COACHES)
    (told,) = looked(watched)
    assert ("the tenant's id" in told["detail"], set(watched.current())) == (True, {"iron"})


@pytest.mark.parametrize("name", ["tenant.yaml", "coaches.yaml", "rulebook.yaml"])
def test_a_pipe_in_a_files_place_is_refused_and_not_waited_for(iron: Path, name: str) -> None:
    watched = watch(iron.parent)
    (iron / name).unlink()
    os.mkfifo(iron / name)
    (told,) = looked(watched)
    assert (told["reason"], "this is no file" in told["detail"], reaches(watched)) == ("invalid", True, (1,))


@pytest.mark.parametrize("name", ["tenant.yaml", "coaches.yaml", "rulebook.yaml"])
def test_what_the_disk_did_not_give_is_told_once_and_read_when_it_does(iron: Path, name: str) -> None:
    watched = watch(iron.parent)
    write(iron, tenant=TENANT.replace("Vienna", "Paris"), coaches=COACHES, rulebook=rulebook(2, reaches=5))
    with leased(iron / name), capture_logs() as logs:
        for _ in range(6):
            watched.look()
    assert [told["reason"] for told in logs] == ["invalid"]
    assert (reaches(watched), rejected()["invalid"]) == ((1,), 1)
    watched.look()
    watched.look()
    assert (reaches(watched), rejected()["invalid"]) == ((5,), 0)
