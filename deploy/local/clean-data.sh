#!/bin/sh
# Deletes the data folder after a question to the person, unless a run has it.
set -eu
folder=${CALLAGENT_DATA_DIR:-.data}
fail() {
    echo "error: $1; nothing was deleted" >&2
    exit 1
}
[ -e "$folder/lock" ] || fail "$folder is not a data folder of this pipeline"
exec 9<"$folder/lock"
flock -n 9 || fail "$folder is in use by a run; stop that one first"
printf 'Delete %s with all its calls and recordings? Type yes: ' "$folder"
read -r answer || answer=
if [ "$answer" != yes ]; then
    echo "nothing was deleted"
    exit 1
fi
rm -rf "$folder"
echo "deleted"
