#!/bin/sh
# Makes requirements.lock from pyproject.toml, and from both what the image holds:
# lock.sh PYTHON [--upgrade]
set -eu
python=$1
shift
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
echo "installing uv for this one use"
"$python" -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv
compile() {
    "$tools/bin/uv" pip compile pyproject.toml "$@" \
        --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --no-annotate --quiet
}
cp requirements.lock "$tools/lock"
compile --extra local --extra dev --output-file "$tools/lock" "$@"
{
    echo "# Every package with its version and hashes; made by \`make lock\`, not by hand."
    cat "$tools/lock"
} >requirements.lock
# The versions in a lock that is there stay: so the image's are those that the tests ran with.
compile --output-file "$tools/lock"
{
    echo "# What the image holds, with versions as in /requirements.lock; made by \`make lock\`, not by hand."
    cat "$tools/lock"
} >deploy/image/requirements.lock
echo "requirements.lock is made; run \`make test\` before you commit it"
