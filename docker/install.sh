#!/bin/sh
# Installs Kairos into a folder: Python, packages by the lock, code, jars. The image is built by this, and
# so can a machine without containers: docker/install.sh /opt/kairos (needs uv, and the network once).
set -eu

root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd -P)
target=${1:?usage: docker/install.sh FOLDER}

mkdir -p "$target/code" "$target/lib"
UV_PYTHON_INSTALL_DIR=$target/python
UV_PROJECT_ENVIRONMENT=$target/venv
export UV_PYTHON_INSTALL_DIR UV_PROJECT_ENVIRONMENT
unset VIRTUAL_ENV PYTHONHOME PYTHONPATH
# UV_PYTHON names a Python 3.11 that is there; without it one is fetched that needs nothing of the system
if [ -z "${UV_PYTHON-}" ]; then
    uv python install --no-bin 3.11
    set -- --managed-python --python 3.11
else
    set --
fi
uv sync --frozen --no-dev --project "$root" "$@"

for package in schemas log models udfs jobs channels scripts; do
    cp -R "$root/$package" "$target/code/"
done
find "$target/code" -name __pycache__ -type d -prune -exec rm -rf {} +

# the connector, by its checksum, and the bridge to Python, for Flink's lib folder
cd "$target/code"
"$target/venv/bin/python" -P - "$target" <<'PYTHON'
import shutil
import sys
from pathlib import Path

sys.path.insert(0, ".")
from pyflink.find_flink_home import _find_flink_home

from jobs.stack.jars import jar_paths

target = Path(sys.argv[1])
for jar in jar_paths("flink", target / "jars", print):
    shutil.copy(jar, target / "lib")
for jar in Path(_find_flink_home(), "opt").glob("flink-python-*.jar"):
    shutil.copy(jar, target / "lib")
PYTHON
PYTHONPATH=. "$target/venv/bin/python" -P -m scripts --help >/dev/null
printf 'Kairos is in %s\n' "$target"
