"""`evaluate-policy` on files as others write them: names that are found, what cannot be told with its row, and words at the end."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.off_policy import of_table
from schemas.errors import ConfigError
from scripts.experiments.decision_log import Columns, new_policy, read_log
from scripts.experiments.evaluate_policy import judge, run

ROWS = [(n, f"item{n % 4}", n % 3 + 1, int(n % 7 == 0), 0.25) for n in range(1_200)]
HEAD = ",item_id,position,click,propensity_score"
ANY = Columns()


def csv(folder: Path, *more: str, head: str = HEAD) -> Path:
    path = folder / "log.csv"
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in ROWS), *more]) + "\n")
    return path


def test_a_log_is_read_by_the_names_that_others_use(tmp_path: Path) -> None:
    path = csv(tmp_path)
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    table = pa.table({"arm": [r[1] for r in ROWS], "pscore": [r[4] for r in ROWS], "reward": [r[3] for r in ROWS]})  # fmt: skip
    pq.write_table(table, tmp_path / "log.parquet")
    found = read_log(path, ANY)
    assert found.named == {"action": "item_id", "chance": "propensity_score", "reward": "click", "group": "position"}  # fmt: skip
    assert (found.actions, found.groups) == (["item0", "item1", "item2", "item3"], ["1", "2", "3"])
    again, parquet = read_log(packed, ANY), read_log(tmp_path / "log.parquet", ANY)
    assert np.array_equal(again.logged.actions, found.logged.actions)
    assert np.array_equal(parquet.logged.rewards, found.logged.rewards)
    assert (parquet.groups, "group" in parquet.named) == ([""], False)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1200,item1,1,1,0", "row 1201: propensity_score: a chance above 0 is wanted, not 0"),
        ("1200,item1,1,1,1.5", "a chance of at most 1 is wanted, not 1.5"),
        ("1200,item1,1,1,", "row 1201: propensity_score: a number is wanted, not nan"),
        ("1200,item1,1,,0.5", "row 1201: click: a number is wanted"),
        ("1200,item1,1,often,0.5", "click is no column of numbers"),
        ("1200,item1,1", "cannot be read"),
    ],
)
def test_what_cannot_be_is_told_by_its_row(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_log(csv(tmp_path, row), ANY)


def test_a_column_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    path = csv(tmp_path, head=",what,position,click,propensity_score")
    with pytest.raises(ConfigError, match="which column is the action\\? --action names it"):
        read_log(path, ANY)
    assert len(read_log(path, Columns(action="what")).actions) == 4
    with pytest.raises(ConfigError, match="has no column 'who'"):
        read_log(path, Columns(action="who"))
    empty = tmp_path / "empty.csv"
    empty.write_text(HEAD + "\n")
    with pytest.raises(ConfigError, match="there is no decision in it"):
        read_log(empty, ANY)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_log(tmp_path / "nothing.csv", ANY)


def test_a_new_policy_is_a_column_a_file_or_everything_alike(tmp_path: Path) -> None:
    path = csv(tmp_path)
    log = read_log(path, ANY)
    chances = tmp_path / "new.csv"
    chances.write_text("action,probability\nitem0,0.5\nitem1,0.3\nitem9,0.2\n")
    found = new_policy(log, str(chances), path)
    assert found.table is not None
    assert found.table.tolist() == [[0.5, 0.3, 0.0, 0.0, 0.2]] * 3
    by_place = tmp_path / "places.csv"
    by_place.write_text("action,position,probability\nitem0,1,1\nitem1,2,1\nitem2,3,1\nitem3,9,1\n")
    placed = new_policy(log, str(by_place), path)
    assert placed.table is not None
    assert placed.table.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
    column = new_policy(log, "propensity_score", path)
    assert column.table is None
    assert np.array_equal(column.taken, log.logged.chances)
    assert new_policy(log, "uniform", path).taken.tolist() == of_table(log.logged, np.full((3, 4), 0.25)).taken.tolist()  # fmt: skip
    chances.write_text("action,probability\nitem0,0.5\n")
    with pytest.raises(ConfigError, match=r"its chances of 1 sum to 0\.500000"):
        new_policy(log, str(chances), path)
    with pytest.raises(ConfigError, match=r"a column of .* or a file is wanted"):
        new_policy(log, "better", path)


def test_it_is_said_in_words_and_whether_to_trust_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = csv(tmp_path)
    assert run(path, "uniform", ANY, None, is_json=False) == 0
    told = capsys.readouterr()
    assert "a choice of 4 actions at random would have earned" in told.out
    assert "no difference that this log can show" in told.out
    assert "1,200 decisions count as 1,200; the mean weight is 1.000" in told.err
    chances = tmp_path / "new.csv"
    chances.write_text("action,probability\nitem7,1\n")
    assert run(path, str(chances), ANY, None, is_json=True) == 1
    told = capsys.readouterr()
    assert "do not trust it: 100.0% of the new policy's chance lies on actions" in told.err
    assert '"is_trusted": false' in told.out
    assert judge(path, "uniform", ANY, 7.0).support.clip == 7.0
    with pytest.raises(ConfigError, match="--clip"):
        judge(path, "uniform", ANY, 0.0)


def test_more_or_less_is_said_only_where_the_intervals_are_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log.csv"
    rows = [f"item{n % 2},{int(n % 2 == 0 or n % 10 == 1)},0.5" for n in range(2_000)]
    path.write_text("\n".join(["action,reward,chance", *rows]) + "\n")
    for first, said in (("1", "more"), ("0", "less")):
        chances = tmp_path / "new.csv"
        chances.write_text(f"action,chance\nitem0,{first}\nitem1,{1 - int(first)}\n")
        assert run(path, str(chances), ANY, None, is_json=False) == 0
        assert f": {said}\n" in capsys.readouterr().out
