"""Flink from the PyPI wheel on the packaged JDK: its folders, its class path, the options of its JVMs."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pyflink.find_flink_home import _find_flink_home
from pyflink.pyflink_gateway_server import construct_flink_classpath, get_jvm_opts

from jobs.stack.class_data import ClassData, Kind, never
from jobs.stack.java import QUICK_COMPILER, java_home


def flink_folders() -> dict[str, str]:
    """The variables by which Flink's scripts and PyFlink know where Flink lies."""
    home = Path(_find_flink_home())
    return {
        "FLINK_CONF_DIR": str(home / "conf"),
        "FLINK_LIB_DIR": str(home / "lib"),
        "FLINK_OPT_DIR": str(home / "opt"),
    }


class FlinkJava(NamedTuple):
    """A JVM with Flink and these jars. `kind` None: it starts too seldom for class data."""

    kind: Kind | None
    jars: Sequence[Path]
    heap_mb: int

    def command(
        self,
        options: Sequence[str],
        *,
        is_urgent: bool = False,
        is_ending: Callable[[], bool] = never,
    ) -> tuple[str, ...]:
        """The command line, to which the class to run is added; where it `is_urgent`, nothing is made for it first."""
        data = self.class_data
        if data is None:
            shared: tuple[str, ...] = ()
        else:
            shared = data.at_once() if is_urgent else data.at_start(is_ending=is_ending)
        return (
            str(java_home() / "bin" / "java"),
            f"-Xmx{self.heap_mb}m",
            "-XX:+ExitOnOutOfMemoryError",
            *_own_options(),
            *shared,
            *options,
            "-cp",
            os.pathsep.join(map(str, self._class_path)),
        )

    @property
    def class_data(self) -> ClassData | None:
        """Its class data."""
        if self.kind is None or not self.jars:
            return None
        return ClassData(self.kind, self._class_path, _own_options(), self.jars[0].parent)

    @property
    def _class_path(self) -> list[Path]:
        wheel = construct_flink_classpath(flink_folders()).split(os.pathsep)
        return [*map(Path, wheel), *self.jars]


def _own_options() -> tuple[str, ...]:
    return ("-XX:+UseSerialGC", QUICK_COMPILER, *get_jvm_opts(flink_folders()))
