#!/bin/sh
# Makes the virtual environment: install.sh PYTHON VENV LOCK STAMP
set -eu
python=$1 venv=$2 lock=$3 stamp=$4

fail() {
    echo "error: $1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 ||
    fail "$python is not there; install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "$python is $("$python" -V 2>&1 | head -n 1); Python 3.11 or newer is needed: make PYTHON=/path/to/python"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make virtual environments; install its venv package (Debian: python3-venv)"

echo "installing the locked packages into $venv (once, about 400 MB)"
rm -f "$stamp"
"$python" -m venv --clear "$venv" || fail "$venv cannot be made; see to the rights and space of this folder"

log=$venv/install.log
"$venv/bin/python" -m pip install --disable-pip-version-check --require-hashes --no-compile --progress-bar off \
    -r "$lock" >"$log" 2>&1 &
pip=$!
trap 'kill $pip 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM HUP
total=$(grep -c '==' "$lock")
shown=
while kill -0 $pip 2>/dev/null; do
    sleep 1
    count=$(grep -c '^Collecting' "$log" || true)
    step="fetching packages: $count of about $total"
    if grep -q '^Installing collected' "$log"; then step="unpacking packages"; fi
    if [ "$step" != "$shown" ]; then echo "  $step"; fi
    shown=$step
done
if ! wait $pip; then
    reason=$(grep -v -i '^warning\|^\[notice\]' "$log" | grep -i 'error' | tail -n 1 | cut -c 1-200)
    if grep -q -i 'connection\|resolve host\|retrying\|timed out\|from versions: none' "$log"; then
        fail "packages could not be fetched; connect this computer to the network and run it again (more in $log)"
    fi
    fail "packages could not be installed: $reason (more in $log)"
fi
trap - EXIT
touch "$stamp"
