#!/bin/sh
# Starts Flink by its image's own entry point: its settings in a folder in memory (the root is read only), and with them
# those of the keys, which are a file and no variable of the container.
set -eu

role=${1:?usage: flink-start.sh jobmanager|taskmanager}

cp -R /opt/kairos/flink-conf/. /opt/flink/conf/
FLINK_PROPERTIES="${FLINK_PROPERTIES-}
$(cat /keys/flink/flink.yaml)"
export FLINK_PROPERTIES
exec /docker-entrypoint.sh "$role"
