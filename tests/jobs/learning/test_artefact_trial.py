"""What a child that tries a model imports comes as a zip file, wherever the code lies."""

import os
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from jobs.learning import artefact_trial


def test_code_whose_files_bear_no_times_is_packed_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the archive of `kairos package`, from which Flink runs the jobs."""
    for name in ("schemas", "models"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.py").write_text("ONE = 1\n")
        os.utime(tmp_path / name / "one.py", (0, 0))
    monkeypatch.setattr(artefact_trial, "PROJECT", tmp_path)
    with ZipFile(BytesIO(artefact_trial._code())) as archive:
        names = [str(Path(name) / "one.py") for name in ("schemas", "models")]
        assert archive.namelist() == names
