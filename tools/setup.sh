#!/bin/bash
# setup.sh WHAT…: installs what is missing for the named purposes: build (compile Tarn), test (run its tests), environment (what of that a build sees), clang,
# sanitize, format, aarch64 (compile for it and run its tests under qemu-user). Debian packages come through apt-get (as root or with sudo), which is not asked
# when nothing is missing. For `test` it also fills .venv with the programs that tests compare Tarn with; one that cannot be had is named, and the tests that
# need it skip.
set -eu
cd "$(dirname "$0")/.."

declare -A packages=(
    [build]="gcc libc6-dev cmake ninja-build pkgconf libpcre2-dev libutf8proc-dev libsleef-dev libopenblas-serial-dev libjansson-dev libedit-dev zlib1g-dev libpng-dev"
    [environment]="python3 python3-dev python3-venv binutils git"
    [test]=""
    [clang]="clang"
    [sanitize]="libclang-rt-14-dev"
    [format]="clang-format"
    [aarch64]="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user libpcre2-dev:arm64 libutf8proc-dev:arm64 libsleef-dev:arm64 \
libopenblas-serial-dev:arm64 libjansson-dev:arm64 libedit-dev:arm64 zlib1g-dev:arm64 libpng-dev:arm64"
)

# A package of this machine's kind, or of the kind that its name ends with (libedit-dev:arm64).
installed() {
    local kinds="$(dpkg --print-architecture)|all"
    case $1 in *:*) kinds=${1##*:} ;; esac
    dpkg-query -W -f '${db:Status-Status} ${Architecture}\n' "$1" 2>/dev/null | grep -qxE "installed ($kinds)"
}

install_packages() {
    local missing=() package as_root=()
    for package in "$@"; do
        installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "set-up: installing ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "set-up: become root, or install these Debian packages: ${missing[*]}" >&2; return 1; }
        as_root=(sudo)
    fi
    export DEBIAN_FRONTEND=noninteractive
    case "${missing[*]}" in *:arm64*) "${as_root[@]}" dpkg --add-architecture arm64 ;; esac
    "${as_root[@]}" apt-get update -qq </dev/null
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
}

# The programs that tests compare Tarn with. Each is installed by itself, so that a missing one leaves the others.
oracles=(pytest pytest-xdist numpy scipy gguf mpmath jinja2 tokenizers safetensors transformers "mlx[cpu]" sentencepiece protobuf pyyaml tqdm scikit-build-core nbclient ipykernel matplotlib)
# Installed without what they name as needed: mlx-lm asks for the macOS build of mlx.
bare_oracles=(mlx-lm)

make_environment() {
    local python=python3
    "$python" -c 'import ensurepip, venv' 2>/dev/null || python=/usr/bin/python3
    [ -x .venv/bin/python ] || "$python" -m venv .venv
}

fill_environment() {
    local list package failed=()
    list=$(printf '%s\n' "${oracles[@]}" "${bare_oracles[@]}")
    [ "$(cat .venv/oracles 2>/dev/null)" != "$list" ] || return 0
    local pip=(.venv/bin/python -m pip --disable-pip-version-check --no-input -q install --timeout 15 --retries 2)
    echo "set-up: filling .venv"
    if ! "${pip[@]}" "${oracles[@]}" </dev/null 2>.venv/pip.log; then # all at once is fastest
        for package in "${oracles[@]}"; do
            "${pip[@]}" --retries 0 "$package" </dev/null 2>>.venv/pip.log || failed+=("$package")
        done
    fi
    for package in "${bare_oracles[@]}"; do
        "${pip[@]}" --retries 0 --no-deps "$package" </dev/null 2>>.venv/pip.log || failed+=("$package")
    done
    if ! .venv/bin/python -c 'import pytest' 2>/dev/null; then install_packages python3-pytest; fi # tools/test.sh then takes Debian's
    if [ ${#failed[@]} -gt 0 ]; then
        echo "set-up: not to be had from PyPI: ${failed[*]} (see .venv/pip.log); the tests that need them are skipped"
    else
        echo "$list" >.venv/oracles
    fi
}

wanted=()
case " $* " in *" test "*) set -- environment "$@" ;; esac
for purpose in "$@"; do
    [ -n "${packages[$purpose]+known}" ] || { echo "setup.sh: no purpose '$purpose'; there are: ${!packages[*]}" >&2; exit 2; }
    read -ra some <<<"${packages[$purpose]}"
    wanted+=("${some[@]}")
done
if command -v dpkg-query >/dev/null; then
    install_packages "${wanted[@]}"
else
    echo "set-up: not a Debian system; assuming that what these packages hold is there: ${wanted[*]}"
fi
case " $* " in *" environment "*) make_environment ;; esac
case " $* " in *" test "*) fill_environment ;; esac
