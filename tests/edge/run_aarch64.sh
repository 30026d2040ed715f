#!/usr/bin/env bash
# Runs the edge runtime and a TFLite file as on a 64-bit ARM board, under emulation, and compares its answers with those
# given here. By hand; needs Debian's apt and dpkg, and about 900 MB for what it fetches, once:
#
#   tests/edge/run_aarch64.sh FILE.tflite PHOTOGRAPH.png ...
#
# PNG photographs: JPEG decoders differ by a grey level. PYTHON names the Python to compare with, WORK the folder for what is
# fetched, DEBIAN a mirror. Nothing of the system changes: apt has its folders in WORK. For the record:
#   tests/edge/run_aarch64.sh ... > benchmarks/results/aarch64.md
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
python=${PYTHON:-$root/.venv/bin/python}
work=${WORK:-${XDG_CACHE_HOME:-$HOME/.cache}/logo_keras/aarch64}
debian=${DEBIAN:-http://deb.debian.org/debian}
# QEMU 7.2 of Debian bookworm crashes in LiteRT; 10.0 of trixie does not.
release=trixie
[ $# -ge 3 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }

# Fetches packages with all that they depend on, and unpacks them: fetch ARCHITECTURE FOLDER PACKAGE ...
fetch() {
    local architecture=$1 folder=$2 apt=$work/apt-$1
    shift 2
    [ ! -e "$folder/complete" ] || return 0
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$folder"
    # As if nothing were installed, so that nothing is left out.
    : > "$apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $debian $release main" > "$apt/sources.list"
    local options=(-qq -y -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
        -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists"
        -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt" -o "Dir::Cache::archives=$apt/archives"
        -o APT::Install-Recommends=false -o Debug::NoLocking=1 -o "APT::Sandbox::User=$(id -un)")
    apt-get "${options[@]}" update >&2
    apt-get "${options[@]}" install --download-only "$@" >&2
    for package in "$apt"/archives/*.deb; do dpkg-deb -x "$package" "$folder"; done
    touch "$folder/complete"
}

# Versions of the packages that are compared: the wheels under emulation are those of this Python.
version() { "$python" -c "from importlib.metadata import version; print(version('$1'))"; }

mkdir -p "$work"
fetch amd64 "$work/qemu" qemu-user
fetch arm64 "$work/board" python3-minimal libpython3-stdlib libstdc++6
# The dynamic loader is named by its old place.
ln -sfn usr/lib "$work/board/lib"
emulated=("$work/qemu/usr/bin/qemu-aarch64" -cpu cortex-a76 -L "$work/board" "$work/board/usr/bin/python3")
minor=$("${emulated[@]}" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

wheels="$work/wheels-$minor"
if [ ! -e "$wheels/complete" ]; then
    rm -rf "$wheels"
    platforms=()
    for tag in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014; do platforms+=(--platform "${tag}_aarch64"); done
    "$python" -m pip install --quiet --disable-pip-version-check --target "$wheels" --no-deps --only-binary :all: \
        --implementation cp --python-version "$minor" "${platforms[@]}" "numpy==$(version numpy)" \
        "opencv-python-headless==$(version opencv-python-headless)" "ai-edge-litert==$(version ai-edge-litert)" >&2
    touch "$wheels/complete"
fi

answers=$(mktemp -d)
trap 'rm -rf "$answers"' EXIT
PYTHONPATH=$root "$python" "$here/answers.py" "$@" > "$answers/here.json" 2> "$answers/here.txt" ||
    { cat "$answers/here.txt" >&2; exit 1; }
# -S: what is installed for this machine's Python must not be seen.
PYTHONPATH="$root:$wheels" "${emulated[@]}" -S "$here/answers.py" "$@" > "$answers/there.json" 2> "$answers/there.txt" ||
    { cat "$answers/there.txt" >&2; exit 1; }

echo "# aarch64"
echo
echo "    tests/edge/run_aarch64.sh $(basename "$1") ($(($# - 1)) photographs)"
echo
PYTHONPATH=$root "$python" "$root/benchmarks/machine.py" | sed 's/^/- /'
echo "- Emulation: $("${emulated[0]}" --version | head -n 1), -cpu cortex-a76, libraries of Debian $release; times of an emulator, not of a board"
echo
"$python" "$here/answers.py" --compare "$answers/here.json" "$answers/there.json"
