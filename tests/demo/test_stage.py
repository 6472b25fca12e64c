from pathlib import Path

from demo.stage import emptied, free_ports


def test_a_play_finds_its_folder_empty_but_for_what_formatting_made(tmp_path: Path) -> None:
    data = tmp_path / "kafka" / "data"
    (data / "coaching.events.v1-0").mkdir(parents=True)
    for name in ("meta.properties", "bootstrap.checkpoint", "coaching.events.v1-0/0.log"):
        (data / name).touch()
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "1.eml").touch()
    with emptied(tmp_path) as folder:
        files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {"lock", "kafka/data/meta.properties", "kafka/data/bootstrap.checkpoint"}


def test_a_broker_that_was_formatted_by_half_is_formatted_anew(tmp_path: Path) -> None:
    data = tmp_path / "kafka" / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").touch()
    with emptied(tmp_path):
        assert not data.exists()


def test_every_process_gets_a_port_of_its_own() -> None:
    ports = [value for name, value in free_ports().items() if name.endswith("_PORT")]
    assert len(ports) == len(set(ports)) == 4
