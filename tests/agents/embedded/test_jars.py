"""The broker's jars are the pinned ones, whatever lies in the cache."""

import hashlib
from pathlib import Path

import pytest

from agents.embedded.jars import JarUnavailableError, class_path, pinned


def test_every_pin_names_one_jar_and_its_content() -> None:
    jars = pinned()
    assert len({jar.filename for jar in jars}) == len(jars)
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in jars)
    assert {"kafka_2.13-4.1.1.jar", "kafka-clients-4.1.1.jar"} <= {jar.filename for jar in jars}


def test_a_damaged_jar_is_fetched_anew_and_no_network_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    steps: list[str] = []
    with pytest.raises(JarUnavailableError, match=r"could not be fetched .* 3 attempts .* HTTPS_PROXY"):
        class_path(steps.append)
    assert steps == [f"fetching Apache Kafka: {len(pinned())} jars from Maven Central, once"]


def test_the_class_path_has_every_jar_intact() -> None:
    paths = [Path(entry) for entry in class_path(lambda _: None).split(":")]
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert digests == {jar.filename: jar.sha256 for jar in pinned()}
