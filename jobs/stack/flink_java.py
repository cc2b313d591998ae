"""Flink from the PyPI wheel on the packaged JDK: its folders, its class path, the options of its JVMs."""

import os
from collections.abc import Sequence
from pathlib import Path

from pyflink.find_flink_home import _find_flink_home
from pyflink.pyflink_gateway_server import construct_flink_classpath, get_jvm_opts

from jobs.stack.class_data import ClassData, Kind
from jobs.stack.java import QUICK_COMPILER, java_home


def flink_home() -> Path:
    """The folder of the wheel's Flink."""
    return Path(_find_flink_home())


def flink_folders() -> dict[str, str]:
    """The variables by which Flink's scripts and PyFlink know where Flink lies."""
    home = flink_home()
    return {
        "FLINK_CONF_DIR": str(home / "conf"),
        "FLINK_LIB_DIR": str(home / "lib"),
        "FLINK_OPT_DIR": str(home / "opt"),
    }


def flink_java(jars: Sequence[Path], heap_mb: int, options: Sequence[str]) -> tuple[str, ...]:
    """The command line of a JVM with Flink and these jars, to which the class to run is added."""
    return (
        str(java_home() / "bin" / "java"),
        f"-Xmx{heap_mb}m",
        "-XX:+ExitOnOutOfMemoryError",
        *_own_options(),
        *options,
        "-cp",
        os.pathsep.join(map(str, _class_path(jars))),
    )


def flink_class_data(kind: Kind, jars: Sequence[Path]) -> ClassData:
    """The class data of such a JVM, kept beside the jars."""
    return ClassData(kind, _class_path(jars), _own_options(), jars[0].parent)


def _class_path(jars: Sequence[Path]) -> list[Path]:
    wheel = construct_flink_classpath(flink_folders()).split(os.pathsep)
    return [*map(Path, wheel), *jars]


def _own_options() -> tuple[str, ...]:
    return ("-XX:+UseSerialGC", QUICK_COMPILER, *get_jvm_opts(flink_folders()))
