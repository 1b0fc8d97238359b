#!/usr/bin/env bash
# install.sh PYTHON FOLDER MODULE...: installs what FOLDER/requirements.txt pins by its sha256, from
# FOLDER/wheels and the package index, into a new environment, and imports each module in a fresh
# process.
set -euo pipefail
python=$1 folder=$2
shift 2

environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
"$python" -m venv "$environment"
"$environment/bin/pip" install --quiet --only-binary :all: --require-hashes \
    --find-links "$folder/wheels" --requirement "$folder/requirements.txt"
"$environment/bin/pip" check
for module in "$@"; do
    # No variable of the runner's may be what makes it work.
    env -i "$environment/bin/python" -c "
import importlib, sys
module = importlib.import_module(sys.argv[1])
# The package of a library wheel loads nothing by itself.
if hasattr(module, 'LIBRARIES'):
    module.load()
" "$module"
    echo "imported $module"
done
