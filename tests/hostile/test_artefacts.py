"""Artefacts that records of `control` name: where they may lie, and what is in them."""

import os
import socket
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pytest

from jobs.learning import artefact_check, artefact_child, artefact_trial
from jobs.learning.artefact_check import Artefacts, Key
from jobs.learning.artefact_child import Wanted
from jobs.learning.artefact_trial import interpreter, run_child
from jobs.learning.model_roots import Roots, locate, roots_from
from models.artefact import save_artefact
from models.booster_shape import check_booster
from models.content import Published, read_content
from models.ranker import XgboostRanker
from models.response import ResponseExamples, fit_responses, save_responses
from schemas.errors import ConfigError
from schemas.limits import ARTEFACT_BYTES_MAX
from tests.models.boosters import mutated
from tests.models.signal import SPACE, make_groups, read_by
from tests.models.test_artefact import ARTEFACT
from tests.models.test_scorers import BOOSTER

MUTATED = mutated(BOOSTER)


@pytest.fixture(autouse=True)
def _nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefact_check, "_LOADED", artefact_check._Loaded())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with a good one and what an attacker would put beside it."""
    top = tmp_path_factory.mktemp("hostile")
    root = top / "models"
    good = save_artefact(ARTEFACT, root)
    (root / "good").write_bytes(Path(good.uri).read_bytes())
    outside = top / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "link").symlink_to(outside / "secret")
    (root / "folder").symlink_to(outside)
    (root / "dangling").symlink_to(outside / "nothing")
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "fifo")
    (root / "sub").mkdir()
    with socket.socket(socket.AF_UNIX) as ours:
        here = Path.cwd()
        os.chdir(root)
        ours.bind("socket")
        os.chdir(here)
    with (root / "huge").open("wb") as file:
        file.truncate(ARTEFACT_BYTES_MAX + 1)
    (top / "models-of-others").mkdir()
    (top / "models-of-others" / "good").write_bytes(Path(good.uri).read_bytes())
    return top


ROOT, TOP = "{root}", "{top}"
HOSTILE_URIS = [
    # nothing, too much, what no line may hold
    "", " ", ".", "/", "\n", f"{ROOT}/good\n", f"{ROOT}/good\0", f"{ROOT}/go\tod", "\x1b[2J", "\u202egood",
    f"{ROOT}/" + "x" * 3_000, f"{ROOT}/" + "x" * 300, f"{ROOT}/" + "a/" * 900,
    # out of the folder
    "/etc/passwd", "/dev/zero", "/dev/stdin", "/dev/tty", "/proc/self/mem", "/proc/self/fd/0", "/proc/self/environ",
    f"{TOP}/outside/secret", f"{TOP}/models-of-others/good", f"{ROOT}/../outside/secret", f"{ROOT}/../models/good",
    f"{ROOT}/sub/../good", f"{ROOT}/./../outside/secret", f"{ROOT}/folder/secret", f"{ROOT}/link", "good", "./good", "~/good",
    f"file://{TOP}/outside/secret", f"file://{ROOT}/%2e%2e/outside/secret", f"file://{ROOT}/%2E%2E%2Foutside%2Fsecret",
    f"file://{ROOT}/good%00", f"file://{ROOT}/good%0a", f"file://evil.example{ROOT}/good", f"file:{ROOT}/../outside/secret",
    f"file://{ROOT}/good?x=1", f"file://{ROOT}/good#x", "file:///etc/passwd", "file://", "file:", f"FILE://{ROOT}/good",
    f"{ROOT}/%2e%2e/outside/secret", f"{ROOT}/%252e%252e/outside/secret", f"{ROOT}/..%2foutside/secret", f"{ROOT}\\..\\outside",
    # no regular file
    f"{ROOT}/fifo", f"{ROOT}/socket", f"{ROOT}/sub", f"{ROOT}", f"{ROOT}/dangling", f"{ROOT}/loop", f"{ROOT}/huge", f"{ROOT}/none",
    f"{ROOT}/good/x", f"{ROOT}/good/",
    # other ways of reading
    f"zip://good::{ROOT}/good", "zip://x::file:///etc/passwd", f"{ROOT}/good::{ROOT}/good", f"simplecache::file://{ROOT}/good",
    f"filecache::{ROOT}/good", "blockcache::s3://bucket/models/x", f"tar://good::{ROOT}/good", "zip://x",
    "http://127.0.0.1:1/good", "https://127.0.0.1:1/good", "HTTP://127.0.0.1:1/good", "ftp://127.0.0.1:1/good",
    "webhdfs://127.0.0.1:1/good", "hdfs://127.0.0.1/good", "sftp://127.0.0.1/good", "ssh://127.0.0.1/good", "smb://127.0.0.1/x/y",
    "github://a:b@main/good", "git://x", "gs://bucket/x", "memory://good", "data:,good", "data:;base64,Z29vZA==", "dask://x/y",
    "jupyter://x", "reference://x", "generic://x", "local:///etc/passwd", f"local://{ROOT}/good", "libarchive://x", "arrow_hdfs://x",
    "dir://x", "async_wrapper://x", "gist://x", "hf://datasets/x/y", "javascript:alert(1)", "jar:file:/etc/passwd!/x", "//evil.example/x",
    # beside the configured prefix
    "s3://bucket/model/x", "s3://bucket/models", "s3://bucket/models/", "s3://bucket/models/../other/x", "s3://bucket/models/./x",
    "s3://bucket/models/%2e%2e/x", "s3://bucket/models//x", "s3://bucket/models/x?versionId=1", "s3://bucket/models/x#y",
    "s3://bucket/models/x::zip://y", "s3://bucket/models/x y", "s3://bucket/models/x\\..\\y", "s3://other/models/x",
    "s3://bucket@evil/models/x", "S3://bucket/models/x", "s3:/bucket/models/x", "s3a://bucket/models/x", "s3://bucket/modelsx/y",
]  # fmt: skip


def at(place: Path, uri: str) -> str:
    return uri.replace(ROOT, str(place / "models")).replace(TOP, str(place))


def test_there_are_at_least_62_hostile_uris() -> None:
    assert len(set(HOSTILE_URIS)) == len(HOSTILE_URIS) >= 62


@pytest.mark.parametrize(
    "uri", HOSTILE_URIS, ids=[f"{n} {one[:40]!a}" for n, one in enumerate(HOSTILE_URIS)]
)
def test_a_record_names_no_other_place_than_the_configured_ones(place: Path, uri: str) -> None:
    data = (place / "models" / "good").read_bytes()
    roots = Roots((str(place / "models"),), ("s3://bucket/models/",))
    artefacts = Artefacts(roots, str(place / "marks"))
    before_s = time.monotonic()
    with pytest.raises(ConfigError) as refused:
        artefacts.ranker(Published(at(place, uri), sha256(data).hexdigest()), SPACE)
    assert str(refused.value)
    assert time.monotonic() - before_s < 60, "nothing is waited for"


def test_what_lies_within_the_roots_is_taken(place: Path) -> None:
    good = place / "models" / "good"
    digest = sha256(good.read_bytes()).hexdigest()
    (place / "models" / "inner").symlink_to(good)
    artefacts = Artefacts(Roots((str(place / "models"),)))
    for uri in (str(good), good.as_uri(), str(place / "models" / "inner")):
        assert artefacts.ranker(Published(uri, digest), SPACE).version == digest[:12]


def test_a_remote_root_is_read_by_its_prefix_and_only_by_it(place: Path) -> None:
    """`local` is a way of reading of fsspec's that needs no server; to us it is one like `s3`."""
    good = place / "models" / "good"
    published = Published(f"local://{good}", sha256(good.read_bytes()).hexdigest())
    allowed = Artefacts(roots_from(f"local://{place}/models/", place))
    assert allowed.ranker(published, SPACE).version == published.version
    for name in ("huge", "sub", "fifo", "link"):
        with pytest.raises(ConfigError, match=r"more than|no regular file"):
            allowed.ranker(Published(f"local://{place}/models/{name}", "0" * 64), SPACE)
    with pytest.raises(ConfigError, match="outside of KAIROS_MODELS"):
        allowed.ranker(Published(str(good), published.sha256), SPACE)


@pytest.mark.parametrize(
    "text",
    ["zip://x::y", "a/../b", "s3://", "s3://bucket/../x", "s3://b?c", "x\0y", "S3://bucket/x"],
)
def test_a_root_that_is_none_is_no_setting(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        roots_from(text, tmp_path)


def test_roots_are_folders_and_beginnings_and_the_homes_by_default(tmp_path: Path) -> None:
    assert roots_from("", tmp_path) == Roots((str(tmp_path / "models"),))
    assert roots_from("/a, s3://b/c ,file:///d", tmp_path) == Roots(("/a", "/d"), ("s3://b/c/",))


def test_a_file_is_read_only_while_it_is_within_the_roots(place: Path) -> None:
    """Between the look and the opening somebody may have exchanged it."""
    outside = place / "outside" / "secret"
    roots = Roots((str(place / "models"),))
    with pytest.raises(ConfigError, match="it was moved"):
        artefact_child.read_path(wanted(outside, roots), str(outside), roots)


def wanted(path: Path, roots: Roots, seconds_max: int = 60, uri: str = "") -> Wanted:
    return Wanted(
        uri=uri or str(path), sha256="", bytes_max=1_000, seconds_max=seconds_max, folders=roots.folders,
        prefixes=roots.prefixes, kind=None, space=msgspec.to_builtins(SPACE),
    )  # fmt: skip


def test_a_read_that_never_ends_is_given_up(tmp_path: Path) -> None:
    """A server that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        held: list[socket.socket] = []
        thread = threading.Thread(target=lambda: held.append(silent.accept()[0]), daemon=True)
        thread.start()
        prefix = f"ftp://{host}:{port}/models/"
        with pytest.raises(ConfigError, match=r"not read and tried within 2 s"):
            run_child(wanted(tmp_path, Roots((), (prefix,)), 2, f"{prefix}x"))
        for one in held:
            one.close()


# --- what is in them ----------------------------------------------------------------------------


def test_there_are_at_least_36_mutated_boosters() -> None:
    assert len({data for _, data in MUTATED}) >= 36
    assert BOOSTER not in {data for _, data in MUTATED}


@pytest.mark.parametrize("data", [one for _, one in MUTATED], ids=[name for name, _ in MUTATED])
def test_a_mutated_booster_is_refused_or_scores_without_ending_the_process(
    tmp_path: Path, data: bytes
) -> None:
    """What the look at its trees lets through is tried in the child, and only then loaded here."""
    try:
        check_booster("v", data, SPACE.count)
    except ConfigError:
        return
    published = save_artefact(msgspec.structs.replace(ARTEFACT, booster=data), tmp_path)
    try:
        scorer = Artefacts(Roots((str(tmp_path),))).ranker(published, SPACE)
    except ConfigError:
        return
    assert np.isfinite(scorer.score(read_by(scorer, make_groups(3)[0].features))).all()


@pytest.mark.parametrize(
    "name", ["left_children=1048576", "split_indices=1048576", "split_indices=-2", "num_nodes=9"]
)
def test_an_index_out_of_range_is_seen_before_the_library_sees_it(name: str) -> None:
    with pytest.raises(ConfigError, match="the booster is broken"):
        XgboostRanker("v", dict(MUTATED)[name], SPACE.names)


def test_a_model_that_ends_its_process_is_refused_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no look at the bytes finds: here the child is made to crash, as a library would."""
    published = save_artefact(ARTEFACT, tmp_path / "models")
    artefacts = Artefacts(Roots((str(tmp_path / "models"),)), str(tmp_path / "marks"))
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr(artefact_trial, "BOOT", crash)
    with pytest.raises(ConfigError, match="the process that tried it ended with signal 11"):
        artefacts.ranker(published, SPACE)
    monkeypatch.setattr(artefact_check, "run_child", _nobody_is_asked)
    monkeypatch.setattr(artefact_check, "_LOADED", artefact_check._Loaded())
    with pytest.raises(ConfigError, match="ended with signal 11"):
        artefacts.ranker(published, SPACE)


def _nobody_is_asked(_: Wanted) -> bytes:
    raise AssertionError("a child was started")


def test_a_model_is_tried_once_and_what_was_made_here_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = save_artefact(ARTEFACT, tmp_path / "models")
    other = save_artefact(msgspec.structs.replace(ARTEFACT, examples=1), tmp_path / "models")
    artefacts = Artefacts(Roots((str(tmp_path / "models"),)), str(tmp_path / "marks"))
    first = artefacts.ranker(published, SPACE)
    artefacts.vouch("ranker", other, SPACE)
    monkeypatch.setattr(artefact_check, "run_child", _nobody_is_asked)
    assert artefacts.ranker(published, SPACE) is first, "operators of one process share it"
    monkeypatch.setattr(artefact_check, "_LOADED", artefact_check._Loaded())
    assert artefacts.ranker(published, SPACE).version == published.version
    assert artefacts.ranker(other, SPACE).version == other.version
    assert artefacts.verdict(Key("ranker", other.sha256, SPACE.serves)) == ""


def test_a_file_that_was_changed_after_its_trial_is_refused(tmp_path: Path) -> None:
    published = save_artefact(ARTEFACT, tmp_path / "models")
    artefacts = Artefacts(Roots((str(tmp_path / "models"),)))
    artefacts.vouch("ranker", published, SPACE)
    path = Path(published.uri)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ConfigError, match="checksum"):
        artefacts.ranker(published, SPACE)


def test_a_trial_has_bounds_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = save_artefact(ARTEFACT, tmp_path)
    eats = f"{artefact_trial.BOOT.rpartition(';')[0]}; from jobs.learning import artefact_child as c; c._limit(60, 99_999); bytearray(5 << 30)"
    monkeypatch.setattr(artefact_trial, "BOOT", eats)
    with pytest.raises(ConfigError, match="MemoryError"):
        Artefacts(Roots((str(tmp_path),))).ranker(published, SPACE)


def test_models_of_responses_are_tried_too(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    features = chance.normal(0, 1, (500, SPACE.count)).astype(np.float32)
    clicks = (features[:, 0] > 0.5).astype(np.float32)
    fitted = fit_responses(ResponseExamples(["a"] * 500, features, clicks, 1, 2), SPACE)
    assert fitted.actions
    published = save_responses(fitted, tmp_path)
    artefacts = Artefacts(Roots((str(tmp_path),)))
    assert artefacts.responses(published, SPACE).responses == fitted
    bad: list[Callable[[dict[str, object]], object]] = [
        lambda one: one.update(means=[1.0]),
        lambda one: one.update(actions={"a": [1e300, [1e300] * SPACE.count, 1, 1]}),
        lambda one: one.update(scales=[0.0] * SPACE.count),
    ]
    for change in bad:
        fields = msgspec.to_builtins(fitted)
        change(fields)
        data = msgspec.msgpack.encode(fields)
        path = tmp_path / "bad"
        path.write_bytes(data)
        with pytest.raises(ConfigError, match="broken"):
            artefacts.responses(Published(str(path), sha256(data).hexdigest()), SPACE)


def test_the_child_runs_where_the_process_knows_no_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As inside a JVM, whose `sys.executable` is none of ours."""
    published = save_artefact(ARTEFACT, tmp_path)
    monkeypatch.setattr("sys.executable", "")
    assert os.access(interpreter(), os.X_OK)
    assert Artefacts(Roots((str(tmp_path),))).ranker(published, SPACE).version == published.version


def test_a_listing_of_models_waits_for_no_pipe(place: Path) -> None:
    with pytest.raises(ConfigError, match="no regular file"):
        read_content("model", str(place / "models" / "fifo"), 10)


def test_nothing_is_resolved_without_a_root() -> None:
    with pytest.raises(ConfigError, match=r"outside of KAIROS_MODELS \(nothing\)"):
        locate("model", "/etc/passwd", Roots(()))
