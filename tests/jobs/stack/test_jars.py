import hashlib
from pathlib import Path

import pytest

from jobs.stack import jars
from schemas.errors import ConfigError

COORDINATE = "org.example:thing:1.0"
CONTENT = b"a jar"


@pytest.fixture
def one_jar(monkeypatch: pytest.MonkeyPatch) -> jars.Jar:
    jar = jars.Jar("kafka", COORDINATE, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(jars, "locked_jars", lambda jar_set: (jar,))
    return jar


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[str]:
    asked = []

    def download(coordinate: str, folder: Path) -> Path:
        asked.append(coordinate)
        (folder / "found.jar").write_bytes(content)
        return folder / "found.jar"

    monkeypatch.setattr(jars, "_download", download)
    return asked


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(coordinate: str, folder: Path) -> Path:
        raise OSError("Name or service not known")

    monkeypatch.setattr(jars, "_download", download)


def test_the_lock_pins_every_jar_once() -> None:
    kafka, flink = jars.locked_jars("kafka"), jars.locked_jars("flink")
    assert {"org.apache.kafka:kafka_2.13:4.2.0", "org.apache.kafka:kafka-clients:4.2.0"} <= {
        jar.coordinate for jar in kafka
    }
    assert [jar.path for jar in flink] == ["flink/flink-sql-connector-kafka-5.0.0-2.2.jar"]
    paths = [jar.path for jar in kafka + flink]
    assert len(paths) == len(set(paths))
    assert not [jar for jar in kafka if "_2.12" in jar.coordinate]


def test_a_second_start_needs_no_network(
    tmp_path: Path, one_jar: jars.Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    asked = serve(monkeypatch, CONTENT)
    first = jars.jar_paths("kafka", tmp_path, said.append)
    refuse(monkeypatch)
    assert jars.jar_paths("kafka", tmp_path, said.append) == first
    assert asked == [COORDINATE]
    assert first[0].read_bytes() == CONTENT
    assert said[-1] == "1/1 org.example:thing:1.0 0.0 MB"


def test_a_damaged_jar_is_fetched_again(
    tmp_path: Path, one_jar: jars.Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, CONTENT)
    (path,) = jars.jar_paths("kafka", tmp_path, lambda line: None)
    path.write_bytes(b"A jar")
    (tmp_path / ".fetching-killed").mkdir()
    assert jars.jar_paths("kafka", tmp_path, lambda line: None) == (path,)
    assert path.read_bytes() == CONTENT
    assert not list(tmp_path.glob(".fetching-*"))


def test_a_wrong_checksum_is_refused(
    tmp_path: Path, one_jar: jars.Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(monkeypatch, b"evil!")
    with pytest.raises(ConfigError, match="its checksum is not the one"):
        jars.jar_paths("kafka", tmp_path, lambda line: None)
    assert len(asked) == jars.ATTEMPTS_MAX
    assert not (tmp_path / one_jar.path).exists()


def test_a_first_start_without_network_says_so(
    tmp_path: Path, one_jar: jars.Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch)
    with pytest.raises(ConfigError, match="connect to the internet") as raised:
        jars.jar_paths("kafka", tmp_path, lambda line: None)
    assert COORDINATE in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_full_disk_is_not_taken_for_a_missing_network(
    tmp_path: Path, one_jar: jars.Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(coordinate: str, folder: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(jars, "_download", download)
    with pytest.raises(OSError, match="No space left"):
        jars.jar_paths("kafka", tmp_path, lambda line: None)
