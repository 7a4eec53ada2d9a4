#!/bin/sh
# Installs and starts the servers that the remotes' tests run against, each on a free port of the loopback:
#   eval "$(scripts/servers.sh start)" && npm test; scripts/servers.sh stop
# They live in $LOCKSTEP_SERVERS (default: a folder of the system's temp folder). Needs Go and npm.
set -eu

VERSITYGW=github.com/versity/versitygw/cmd/versitygw@v1.8.0
FAKE_GCS=github.com/fsouza/fake-gcs-server@v1.56.1
# 3.37.0 depends on versions that were never published.
AZURITE=azurite@3.34.0

dir=${LOCKSTEP_SERVERS:-${TMPDIR:-/tmp}/lockstep-servers}

install_all() {
  mkdir -p "$dir/bin"
  [ -x "$dir/bin/versitygw" ] || GOBIN="$dir/bin" go install "$VERSITYGW" >&2
  [ -x "$dir/bin/fake-gcs-server" ] || GOBIN="$dir/bin" go install "$FAKE_GCS" >&2
  [ -d "$dir/node_modules/azurite" ] || npm install --silent --ignore-scripts --no-save --prefix "$dir" "$AZURITE" >&2
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

start() {
  install_all
  stop
  rm -rf "$dir/s3" "$dir/meta"
  mkdir -p "$dir/s3" "$dir/meta"

  s3=$(free_port)
  # Metadata beside the data, since extended attributes are not everywhere; not in a folder whose name begins alike.
  run s3 "$dir/bin/versitygw" --access lockstep --secret lockstep-test-secret --port "127.0.0.1:$s3" --quiet \
    posix --sidecar "$dir/meta" "$dir/s3"
  await s3 "$s3"
  echo "export LOCKSTEP_TEST_S3=http://127.0.0.1:$s3"

  gcs=$(free_port)
  run gcs "$dir/bin/fake-gcs-server" -scheme http -host 127.0.0.1 -port "$gcs" -backend memory -log-level error \
    -external-url "http://127.0.0.1:$gcs" -public-host "127.0.0.1:$gcs"
  await gcs "$gcs"
  echo "export LOCKSTEP_TEST_GCS=http://127.0.0.1:$gcs"

  azure=$(free_port)
  # Without --disableTelemetry it tells its maker of each request.
  run azure node "$dir/node_modules/azurite/dist/src/blob/main.js" --inMemoryPersistence --blobHost 127.0.0.1 \
    --blobPort "$azure" --skipApiVersionCheck --loose --disableTelemetry --silent
  await azure "$azure"
  echo "export LOCKSTEP_TEST_AZURE=http://127.0.0.1:$azure"
}

stop() {
  for name in s3 gcs azure; do
    if [ -f "$dir/$name.pid" ]; then
      kill "$(cat "$dir/$name.pid")" 2>/dev/null || true
      rm -f "$dir/$name.pid"
    fi
  done
}

case "${1:-}" in
  install) install_all ;;
  start) start ;;
  stop) stop ;;
  *)
    echo "usage: scripts/servers.sh install | start | stop" >&2
    exit 2
    ;;
esac
