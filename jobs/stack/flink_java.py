"""Flink from the PyPI wheel on the packaged JDK: its folders, its class path, the options of its JVMs."""

import os
from collections.abc import Sequence
from pathlib import Path

from pyflink.find_flink_home import _find_flink_home
from pyflink.pyflink_gateway_server import construct_flink_classpath, get_jvm_opts

from jobs.stack.class_data import Kind, shared_classes
from jobs.stack.java import QUICK_COMPILER, java_home


def flink_folders() -> dict[str, str]:
    """The variables by which Flink's scripts and PyFlink know where Flink lies."""
    home = Path(_find_flink_home())
    return {
        "FLINK_CONF_DIR": str(home / "conf"),
        "FLINK_LIB_DIR": str(home / "lib"),
        "FLINK_OPT_DIR": str(home / "opt"),
    }


def flink_java(
    kind: Kind | None, jars: Sequence[Path], heap_mb: int, options: Sequence[str]
) -> tuple[str, ...]:
    """The command line of a JVM with Flink and these jars, to which the class to run is added.

    `kind` None: class data are not worth it.
    """
    folders = flink_folders()
    class_path = [*map(Path, construct_flink_classpath(folders).split(os.pathsep)), *jars]
    own = ("-XX:+UseSerialGC", QUICK_COMPILER, *get_jvm_opts(folders))
    shared = shared_classes(kind, class_path, jars[0].parent, own) if kind and jars else ()
    return (
        str(java_home() / "bin" / "java"),
        f"-Xmx{heap_mb}m",
        "-XX:+ExitOnOutOfMemoryError",
        *own,
        *shared,
        *options,
        "-cp",
        os.pathsep.join(map(str, class_path)),
    )
