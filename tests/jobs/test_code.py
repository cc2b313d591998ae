"""What a job brings to a cluster lies in a folder that goes with the job's first attempt; the interpreter stays."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree, rmtree

import msgspec
import pytest
from pyflink.datastream.functions import Function

from jobs import decide, learn
from jobs.code import OPERATORS, PACKAGES, code_digest
from jobs.config import PROJECT
from models.artefact import save_artefact
from schemas.codec import CONTROL, ITEM
from schemas.control import Control
from schemas.policy import DEFAULT_CONTROL
from tests.builders import make_catalogue
from tests.logs import shopping_log
from tests.models.made import artefact_of, booster_of
from udfs.facts.features import FEATURE_SPACE

RUN = """
import sys
from shutil import rmtree

from jobs import learn_operators, operators, person_operators

rmtree(sys.argv[1])
told, events = sys.modules["msgspec"].msgpack.decode(sys.stdin.buffer.read())
trust = sys.modules["jobs.learning.trust"].Trust(sys.modules["jobs.learning.model_roots"].Roots((sys.argv[2],)))
feed = operators.KnowledgeFeed(sys.modules["udfs.knowledge.knowledge"].Knowledge(), print, trust)
for place, value in enumerate(told):
    feed.apply(value, place, 0)
sessions, persons, made, facts = {}, {}, 0, 0
for place, (time_ms, key, value) in enumerate(events):
    record = operators.LogRecord("events", 0, place, time_ms, key, value)
    result = operators.track_session(
        sessions.get(key), record, sys.modules["schemas.formats"].FORMATS["kairos"].decode, feed.knowledge, 60_000
    )
    sessions[key] = result.state
    for news in result.news:
        for lesson in learn_operators.lessons_of(b"", b"", news, feed.knowledge).lessons:
            taken = learn_operators.take_lesson(None, lesson, feed.knowledge.assumed)
            learn_operators.join_lesson(None, taken, feed.knowledge, feed.knowledge.assumed)
            facts += sum(1 for _ in learn_operators.fact_rows(taken.lesson))
        found = sys.modules["udfs.decide"].decide(persons.get(news.person), news, feed.knowledge, "seed")
        persons[news.person] = found.state
        made += len([operators.DESTINATIONS[type(one)].codec.encode(one) for one in found.outputs]) // 2
print("made", made, facts)
"""


@pytest.mark.parametrize("first", OPERATORS)
def test_who_has_imported_one_operator_can_import_all_when_the_folder_has_gone(
    tmp_path: Path, first: str
) -> None:
    """A task manager that ran sessions alone is given persons after another one was killed."""
    for package in PACKAGES:
        copytree(PROJECT / package, tmp_path / "code" / package)
    others = "\n".join(f"import {one}" for one in OPERATORS)
    program = (
        f"import sys\nfrom shutil import rmtree\nimport {first}\nrmtree(sys.argv[1])\n{others}\n"
    )
    code = str(tmp_path / "code")
    done = subprocess.run(
        (sys.executable, "-P", "-c", program, code), cwd=tmp_path, env=os.environ | {"PYTHONPATH": code},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_graphs_name_no_class_of_another_module() -> None:
    """What a job's graph pickles by name is imported where the others are."""
    for graph in (decide, learn):
        classes = [
            one
            for one in vars(graph).values()
            if isinstance(one, type) and issubclass(one, Function)
        ]
        assert classes
        assert {one.__module__ for one in classes} <= {*OPERATORS}


def test_steps_need_nothing_of_the_folder_that_they_were_imported_from(tmp_path: Path) -> None:
    for package in PACKAGES:
        copytree(PROJECT / package, tmp_path / "code" / package)
    model = save_artefact(artefact_of(booster_of(FEATURE_SPACE.count)), tmp_path / "models")
    control = Control("model", "ranker", "m", 0, uri=model.uri, sha256=model.sha256)
    told = [
        CONTROL.encode(DEFAULT_CONTROL),
        CONTROL.encode(control),
        *(ITEM.encode(one) for one in make_catalogue()),
    ]
    events = [(one.timestamp_ms, one.key, one.value) for one in shopping_log(600)]
    done = subprocess.run(
        [sys.executable, "-P", "-c", RUN, str(tmp_path / "code"), str(tmp_path / "models")],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "code")}, input=msgspec.msgpack.encode((told, events)),
        capture_output=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr.decode()
    assert b"knowledge_refused" not in done.stdout, (
        "models are tried by a child that finds its code"
    )
    made, facts = done.stdout.split()[-2:]
    assert int(made) > 50
    assert int(facts) > 50


def test_the_digest_is_of_the_code(tmp_path: Path) -> None:
    for package in PACKAGES:
        copytree(PROJECT / package, tmp_path / package)
    assert code_digest(tmp_path) == code_digest()
    (tmp_path / "udfs" / "new.py").write_text("")
    assert code_digest(tmp_path) != code_digest()
    rmtree(tmp_path / "udfs")
    assert code_digest(tmp_path) != code_digest()
