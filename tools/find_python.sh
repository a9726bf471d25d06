#!/bin/sh
# Prints the Python to build the environment with: $PYTHON if set, else the first of python3,
# python3.13 ... python3.10 that runs, is 3.10 to 3.13 and can make virtual environments.
# A name on the PATH proves nothing (version managers leave shims that fail), so each is run.
set -u

in_range='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))'
seen=""
without_venv=""

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.13 python3.12 python3.11 python3.10
fi

for candidate in "$@"; do
    version=$("$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) ||
        continue
    seen="$seen $candidate=$version"
    "$candidate" -c "$in_range" 2>/dev/null || continue
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$candidate"
        exit 0
    fi
    without_venv=${without_venv:-"$candidate ${version%.*}"}
done

{
    if [ -n "$without_venv" ]; then
        minor=${without_venv#* }
        echo "Set-up: ${without_venv% *} (Python $minor) cannot make virtual environments: 'ensurepip' is missing."
        echo "  Debian and Ubuntu: apt-get install python$minor-venv"
        echo "  elsewhere: install Python 3.10 to 3.13 with its standard library complete"
    else
        echo "Set-up: no Python 3.10 to 3.13 was found among: $*."
        [ -z "$seen" ] || echo "  found, but not usable:$seen"
        echo "  Install one (Debian and Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13)"
    fi
    echo "  or name one: make PYTHON=/where/it/is/python3.12 demo"
} >&2
exit 1
