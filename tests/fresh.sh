#!/bin/sh
# `make fresh`: what a newcomer does, from a clone in an empty home, with only the system's tools.
set -eu
python=$(command -v "${PYTHON:-python3}")
there=$(mktemp -d)
runner=''
stop() {
  [ -z "$runner" ] || kill "$runner" 2>/dev/null || true
  rm -rf "$there"
}
trap stop EXIT INT TERM
mkdir "$there/home"
git clone --quiet . "$there/octo"
cd "$there/octo"
# A port of one's own each, so that a demo running here is left alone.
ports=$("$python" -c 'import socket
s = [socket.socket() for _ in range(2)]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*(x.getsockname()[1] for x in s))')
site=${ports% *}
sandbox=${ports#* }
clean="env -i HOME=$there/home PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8"

echo "make run, in $there/octo"
$clean make run PYTHON="$python" PORT="$site" SANDBOX_PORT="$sandbox" >"$there/run.log" 2>&1 &
runner=$!
waited=0
until grep -q 'Octo is running' "$there/run.log"; do
  waited=$((waited + 1))
  if [ "$waited" -gt 600 ] || ! kill -0 "$runner" 2>/dev/null; then
    cat "$there/run.log"
    exit 1
  fi
  sleep 1
done
"$python" -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$site/').read()"
echo "running after $waited s; stopping"
kill "$runner"
wait "$runner" || true
runner=''
grep 'Stopping' "$there/run.log"
for port in "$site" "$sandbox"; do
  if "$python" -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null; then
    echo "something still listens on $port"
    exit 1
  fi
done

echo 'make test'
$clean make test PYTHON="$python"
