#!/bin/sh
# Makes the private virtual environment with the first Python that will do.
#   tools/venv.sh DIR
set -eu
target=$1
wanted='import sys; sys.exit(sys.version_info < (3, 11))'

for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c "$wanted" 2>/dev/null; then
        python=$name
        break
    fi
done
if [ -z "${python:-}" ]; then
    echo "make: Python 3.11 or newer is needed, and ${PYTHON:-python3} is $(${PYTHON:-python3} -V 2>&1 || true)" >&2
    echo "make: on Debian and Ubuntu: apt-get install python3 python3-venv (or python3.11 python3.11-venv); or say PYTHON=..." >&2
    exit 1
fi

rm -rf "$target"
if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$python" -m venv "$target"
elif "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --without-pip "$target"; then
    # Debian keeps ensurepip in a package of its own; a pip that is here can put one into the environment.
    "$python" -m pip --python "$target/bin/python" install --quiet pip
elif command -v uv >/dev/null 2>&1; then
    uv venv --quiet --seed --python "$python" "$target"
elif command -v virtualenv >/dev/null 2>&1; then
    virtualenv --quiet --python "$python" "$target"
else
    rm -rf "$target"
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "make: $python cannot make virtual environments, as Debian and Ubuntu keep that part in a package of its own:" >&2
    echo "make:     apt-get install python$version-venv" >&2
    exit 1
fi
