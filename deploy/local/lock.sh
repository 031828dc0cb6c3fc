#!/bin/sh
# Makes requirements.lock from pyproject.toml: lock.sh PYTHON [--upgrade]
set -eu
python=$1
shift
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
echo "installing uv for this one use"
"$python" -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv
cp requirements.lock "$tools/lock"
"$tools/bin/uv" pip compile pyproject.toml --extra local --extra dev \
    --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header --no-annotate --quiet \
    --output-file "$tools/lock" "$@"
{
    echo "# Every package with its version and hashes; made by \`make lock\`, not by hand."
    cat "$tools/lock"
} >requirements.lock
echo "requirements.lock is made; run \`make test\` before you commit it"
