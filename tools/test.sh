#!/bin/bash
# test.sh BUILD [hard]: runs the tests of a finished build: those in C (ctest), then those in Python (pytest, in a fresh environment with the wheel). Both run even if the
# first fails; the exit status is 0 only if both pass. hard: the tests in C run again under odd settings. TARN_SANITIZED=1: BUILD has sanitizers.
# What is drawn at random is the same each time, but in these long modes, of which that with sanitizers draws a quarter, as the repetitions under odd settings do.
set -u
cd "$(dirname "$0")/.."
build=$(realpath "$1")
export TARN_BUILD_DIR=$build TARN_LIBRARY=$build/libtarn.so TARN_PYTHON=$PWD/.venv/bin/python
export UBSAN_OPTIONS=print_stacktrace=1
failed=()
hard=${2:-}
if [ -n "$hard" ] || [ -n "${TARN_SANITIZED:-}" ]; then export TARN_FRESH=1; fi
if [ -n "${TARN_SANITIZED:-}" ]; then export TARN_ROUNDS=${TARN_ROUNDS:-25} TARN_TEXTS=${TARN_TEXTS:-2500}; fi

in_c() {
    local name=$1
    shift
    echo "tests in C, $name"
    env "$@" ctest --test-dir "$build" --output-on-failure -j "$(nproc)" || failed+=("tests in C, $name")
}

# The sanitizers' runtime must be in Python before the library is; tests/python/conftest.py hands it and these options to interpreters alone.
# Up to gcc 13 its watch over __tls_get_addr takes some blocks of a thread's variables for glibc 2.19's, and its search for leaks then faults.
preloaded() {
    local compiler=${TARN_CC:-gcc} runtime=libasan.so
    case $compiler in *clang*) runtime=libclang_rt.asan-x86_64.so ;; esac
    echo "$("$compiler" -print-file-name=$runtime) $(gcc -print-file-name=libstdc++.so.6)"
}

# The wheel that users install, and a fresh environment that holds it, and sees the programs of .venv that tests compare it with. Its library is the build's, with
# the rows of the tables that only tests use; under HARD=1 it is compiled for it, as for users. Without scikit-build-core (PyPI was out of reach) there is no
# wheel, and the package of the build folder is tested.
make_wheel() {
    .venv/bin/python -c 'import scikit_build_core' 2>/dev/null || return 0
    echo "the wheel"
    local wheels=$build/wheel environment=$build/environment built=(-C cmake.define.TARN_BUILT="$build")
    [ -z "$hard" ] || built=()
    rm -rf "$wheels" "$environment" "$build/wheel-build"
    .venv/bin/python -m pip wheel -q --no-deps --no-build-isolation -C build-dir="$build/wheel-build" "${built[@]}" -w "$wheels" . || { failed+=("the wheel"); return 0; }
    .venv/bin/python -m venv "$environment"
    "$environment/bin/python" -m pip install -q --no-index "$wheels"/*.whl || { failed+=("the wheel"); return 0; }
    export TARN_WHEEL=$(echo "$wheels"/*.whl)
    .venv/bin/python -c 'import site; print(site.getsitepackages()[0])' >"$(echo "$environment"/lib/python3*/site-packages)/programs.pth"
}

# What compiles, lists names or tries tools without a call into the library: there is nothing in it for sanitizers to see.
unseen=(header_use layers mlx_tests python_names reference signatures wheel)

# The other files, those first that took longest in the last run; before them those that it did not have, the largest first.
seen_files() {
    local file name
    for file in tests/python/test_*.py; do
        name=${file##*/test_}
        case " ${unseen[*]} " in *" ${name%.py} "*) continue ;; esac
        echo "$(cat "$build/${file##*/}.seconds" 2>/dev/null || echo 99999) $(stat -c %s "$file") $file"
    done | sort -k1,1rn -k2,2rn | cut -d' ' -f3
}

# Files by themselves, as many at a time as there are processors: status 5 is a file whose tests are all left out.
each_file() {
    local file status
    for file in $(seen_files); do
        while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
        {
            SECONDS=0
            "$@" "$file" >"$build/${file##*/}.log" 2>&1
            status=$?
            echo $SECONDS >"$build/${file##*/}.seconds"
            cat "$build/${file##*/}.log"
            [ $status = 0 ] || [ $status = 5 ] || echo "$file" >>"$build/failed-files"
        } &
    done
    wait
}

# Under sanitizers each file has a process of its own, which else would hold too much; otherwise as many processes as there are processors take files in turn.
in_python() {
    local settings=() beside=() python=.venv/bin/python
    [ -z "${TARN_WHEEL:-}" ] || python=$build/environment/bin/python
    if [ -n "${TARN_SANITIZED:-}" ]; then
        settings=(LD_PRELOAD="$(preloaded)" ASAN_OPTIONS=malloc_context_size=3:intercept_tls_get_addr=0
            LSAN_OPTIONS="suppressions=$PWD/tests/python/leaks.supp:print_suppressions=0")
    fi
    if [ -n "${TARN_FRESH:-}" ]; then export TARN_SEED=${TARN_SEED:-$(date +%s)}; fi # one for all processes
    echo "tests in Python${TARN_SEED:+, TARN_SEED=$TARN_SEED}"
    "$python" -c 'import pytest' 2>/dev/null || python=/usr/bin/python3 # PyPI was out of reach
    "$python" -c 'import xdist' 2>/dev/null && beside=(-n "$(nproc)" --dist loadfile)
    if [ -z "${TARN_SANITIZED:-}" ]; then
        "$python" -m pytest -q -rs "${beside[@]}" tests/python || failed+=("tests in Python")
        return
    fi
    rm -f "$build/failed-files"
    each_file env "${settings[@]}" "$python" -m pytest -q -rs -p no:cacheprovider
    [ ! -e "$build/failed-files" ] || failed+=("tests in Python: $(echo $(cat "$build/failed-files"))")
}

in_c "as built"
if [ -n "$hard" ]; then
    few=TARN_ROUNDS=${TARN_ROUNDS:-25}
    in_c "hard mode" $few TARN_HARD=1
    in_c "nothing fused" $few TARN_FUSE=0
    in_c "baseline instructions, one thread" $few TARN_ISA=baseline TARN_THREADS=1
    in_c "AVX2, five threads" $few TARN_ISA=avx2 TARN_THREADS=5
    in_c "every fused op by its formula" $few TARN_WITHOUT=softmax,rms_norm,rope,attention,attention_gradient,divmod
fi
[ -n "${TARN_SANITIZED:-}" ] || make_wheel
in_python
[ ${#failed[@]} -eq 0 ] || { printf 'failed: %s\n' "${failed[@]}" >&2; exit 1; }
