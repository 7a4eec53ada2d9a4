#!/bin/sh
# Installs and starts the servers that the remotes' tests run against, each on a free port of the loopback:
#   eval "$(scripts/servers.sh start)" && npm test; scripts/servers.sh stop
# They live in $LOCKSTEP_SERVERS (default: a folder of the system's temp folder). Needs Go and npm. What cannot be installed
# or started is named on standard error and left out: "install" fails when anything is, "start" when everything is.
# "start --installed" installs nothing.
set -eu

VERSITYGW=github.com/versity/versitygw/cmd/versitygw@v1.8.0
FAKE_GCS=github.com/fsouza/fake-gcs-server@v1.56.1
# 3.37.0 depends on versions that were never published.
AZURITE=azurite@3.34.0
AZURITE_MAIN=node_modules/azurite/dist/src/blob/main.js

dir=${LOCKSTEP_SERVERS:-${TMPDIR:-/tmp}/lockstep-servers}

# build NAME PACKAGE: a program in Go.
build() {
  [ -x "$dir/bin/$1" ] || GOBIN="$dir/bin" go install "$2" >&2
}

# Whole or not at all: an install that is cut off leaves packages without their files.
install_azurite() {
  [ -f "$dir/azurite/$AZURITE_MAIN" ] && return 0
  rm -rf "$dir/azurite.part"
  npm install --silent --ignore-scripts --no-save --prefix "$dir/azurite.part" "$AZURITE" >&2 || return 1
  rm -rf "$dir/azurite"
  mv "$dir/azurite.part" "$dir/azurite"
}

install_all() {
  mkdir -p "$dir/bin"
  missing=
  build versitygw "$VERSITYGW" || missing="$missing s3"
  build fake-gcs-server "$FAKE_GCS" || missing="$missing gcs"
  install_azurite || missing="$missing azure"
  [ -z "$missing" ] && return 0
  echo "cannot be installed:$missing" >&2
  return 1
}

free_port() {
  node -e 'const s = require("node:net").createServer(); s.listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

# run NAME COMMAND...: starts it in the background and keeps its process id.
run() {
  name=$1
  shift
  nohup "$@" >"$dir/$name.log" 2>&1 &
  echo $! >"$dir/$name.pid"
}

# await NAME PORT: returns when something answers there.
await() {
  node -e '
    const [port, name, log] = process.argv.slice(1);
    const until = Date.now() + 20000;
    (function ask() {
      const socket = require("node:net").connect(Number(port), "127.0.0.1");
      socket.on("connect", () => process.exit(0));
      socket.on("error", () => {
        if (Date.now() < until) return setTimeout(ask, 50);
        console.error(`${name} did not start; see ${log}`);
        process.exit(1);
      });
    })();
  ' "$2" "$1" "$dir/$1.log"
}

start_s3() {
  [ -x "$dir/bin/versitygw" ] || return 1
  rm -rf "$dir/s3" "$dir/meta"
  mkdir -p "$dir/s3" "$dir/meta"
  port=$(free_port)
  # Metadata beside the data, since extended attributes are not everywhere; not in a folder whose name begins alike.
  run s3 "$dir/bin/versitygw" --access lockstep --secret lockstep-test-secret --port "127.0.0.1:$port" --quiet \
    posix --sidecar "$dir/meta" "$dir/s3"
  await s3 "$port" && echo "export LOCKSTEP_TEST_S3=http://127.0.0.1:$port"
}

start_gcs() {
  [ -x "$dir/bin/fake-gcs-server" ] || return 1
  port=$(free_port)
  run gcs "$dir/bin/fake-gcs-server" -scheme http -host 127.0.0.1 -port "$port" -backend memory -log-level error \
    -external-url "http://127.0.0.1:$port" -public-host "127.0.0.1:$port"
  await gcs "$port" && echo "export LOCKSTEP_TEST_GCS=http://127.0.0.1:$port"
}

start_azure() {
  [ -f "$dir/azurite/$AZURITE_MAIN" ] || return 1
  port=$(free_port)
  # Without --disableTelemetry it tells its maker of each request.
  run azure node "$dir/azurite/$AZURITE_MAIN" --inMemoryPersistence --blobHost 127.0.0.1 --blobPort "$port" \
    --skipApiVersionCheck --loose --disableTelemetry --silent
  await azure "$port" && echo "export LOCKSTEP_TEST_AZURE=http://127.0.0.1:$port"
}

start() {
  stop
  mkdir -p "$dir"
  started=
  for name in s3 gcs azure; do
    if "start_$name"; then started="$started $name"; else echo "left out: $name" >&2; fi
  done
  [ -n "$started" ]
}

stop() {
  for name in s3 gcs azure; do
    if [ -f "$dir/$name.pid" ]; then
      pid=$(cat "$dir/$name.pid")
      kill "$pid" 2>/dev/null || true
      # Gone when this returns, unless it will not go.
      for _ in 1 2 3 4 5 6 7 8 9 10; do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
      done
      rm -f "$dir/$name.pid"
    fi
  done
}

case "${1:-}" in
  install) install_all ;;
  start)
    [ "${2:-}" = --installed ] || install_all || true
    start
    ;;
  stop) stop ;;
  *)
    echo "usage: scripts/servers.sh install | start [--installed] | stop" >&2
    exit 2
    ;;
esac
