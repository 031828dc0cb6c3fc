#!/bin/sh
# Deletes the data folder after a question to the person.
set -eu
folder=${CALLAGENT_DATA_DIR:-.data}
if [ ! -e "$folder/lock" ]; then
    echo "error: $folder is not a data folder of this pipeline; nothing was deleted" >&2
    exit 1
fi
printf 'Delete %s with all its calls and recordings? Type yes: ' "$folder"
read -r answer || answer=
if [ "$answer" != yes ]; then
    echo "nothing was deleted"
    exit 1
fi
rm -rf "$folder"
echo "deleted"
