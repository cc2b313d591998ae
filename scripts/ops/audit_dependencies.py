"""`make audit`: known holes in what `uv.lock` holds, as PyPI's advisories name them. Without a network it says so.

Exit code 1 where there are holes. What the index does not tell about is counted as not audited, never as whole.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from jobs.config import PROJECT
from scripts.exit_codes import passed

TIME_OUT_S: Final = 600
UVS: Final = ("bin/uv", "venv/bin/uv")
EXPORT: Final = (
    "export",
    "--frozen",
    "--quiet",
    "--no-emit-project",
    "--format",
    "requirements.txt",
)
AUDIT: Final = (
    sys.executable, "-P", "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off",
    "--timeout", "10", "--format", "json", "--requirement",
)  # fmt: skip


class Hole(Struct):
    """One advisory."""

    id: str
    fix_versions: list[str] = []


class Audited(Struct):
    """One package; with a `skip_reason` nothing is known of it."""

    name: str
    version: str = ""
    vulns: list[Hole] = []
    skip_reason: str = ""


class Report(Struct):
    """What pip-audit prints."""

    dependencies: list[Audited]


class Verdict(NamedTuple):
    """What to say, and whether there are holes."""

    lines: list[str]
    has_holes: bool


def verdict(printed: bytes, complaint: str) -> Verdict:
    """What pip-audit's output means; without a report it could not ask."""
    try:
        found = msgspec.json.decode(printed, type=Report).dependencies
    except msgspec.MsgspecError:
        last = complaint.strip().rpartition("\n")[2][:300] or "it printed nothing"
        return Verdict([f"the audit of dependencies was left out: {last}"], False)
    holes = [
        f"{one.name} {one.version}: {hole.id}, mended in {', '.join(hole.fix_versions) or 'no version yet'}"
        for one in found
        for hole in one.vulns
    ]
    asked = [one for one in found if not one.skip_reason]
    told = (
        f"{len(asked)} of {len(found)} packages of the lock were audited, {len(holes)} known holes"
    )
    if not asked:
        told = f"the audit of dependencies was left out: the index tells nothing of any of {len(found)}"
    return Verdict([*holes, told], bool(holes))


def audit(requirements: Path) -> Verdict:
    """Asks about each package of a file of pinned requirements."""
    done = subprocess.run(
        [*AUDIT, str(requirements)], capture_output=True, timeout=TIME_OUT_S, check=False
    )
    return verdict(done.stdout, done.stderr.decode(errors="replace"))


def main() -> int:
    """Audits the lock."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "lock.txt"
        requirements.write_bytes(_exported(_uv()))
        found = audit(requirements)
    sys.stdout.write("\n".join([*found.lines, ""]))
    return passed(not found.has_holes)


def _uv() -> str:
    own = [str(PROJECT / ".kairos" / "tools" / name) for name in UVS]
    return shutil.which("uv") or next((one for one in own if os.access(one, os.X_OK)), "uv")


def _exported(uv: str, options: Sequence[str] = EXPORT) -> bytes:
    done = subprocess.run([uv, *options], cwd=PROJECT, capture_output=True, check=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
