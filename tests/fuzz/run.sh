#!/bin/bash
# run.sh SECONDS [NAME…]: builds the fuzz targets (all, or the named ones: json, safetensors, …) and runs each for so many seconds, as
# many at a time as there are processors, starting from seeds/NAME and from what earlier runs found. Exit 1 if a target finds something;
# the input is then left in $BUILD/findings. BUILD (default: build-fuzz) is the build folder.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:?usage: run.sh SECONDS [NAME…]}
shift
build=${BUILD:-build-fuzz}
launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache); fi
cmake -S . -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang -DTARN_FUZZ=ON "${launcher[@]}" >/dev/null

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        name=${source##*/fuzz_}
        names+=("${name%.c}")
    done
fi
for name in "${names[@]}"; do
    [ -f "tests/fuzz/fuzz_$name.c" ] || { echo "no fuzz target '$name'" >&2; exit 2; }
done
ninja -C "$build" "${names[@]/#/fuzz_}" >"$build/ninja.log" 2>&1 || { tail -40 "$build/ninja.log" >&2; exit 2; }

# Exit 1 if it finds something.
fuzz() {
    local name=$1 corpus findings log arguments seeds runs
    corpus=$build/corpus/$name findings=$build/findings log=$build/fuzz-$name.log
    mkdir -p "$corpus" "$findings"
    rm -f "$findings/$name-"*
    arguments=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=16384 -artifact_prefix="$findings/$name-"
               -print_final_stats=1)
    [ -f "tests/fuzz/$name.dict" ] && arguments+=(-dict="tests/fuzz/$name.dict")
    seeds=()
    [ -d "tests/fuzz/seeds/$name" ] && seeds=("tests/fuzz/seeds/$name")
    if "$build/tests/fuzz/fuzz_$name" "${arguments[@]}" "$corpus" "${seeds[@]}" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "fuzz $name: ok, $runs inputs in $seconds s, $(find "$corpus" -type f | wc -l) kept"
    else
        echo "fuzz $name: FOUND SOMETHING, see $log"
        grep -E "ERROR|SUMMARY|runtime error|Test unit written" "$log" | head -5 || true
        return 1
    fi
}

rm -f "$build/failed-targets"
for name in "${names[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
    { fuzz "$name" || echo "$name" >>"$build/failed-targets"; } &
done
wait
[ ! -e "$build/failed-targets" ] || { echo "failed:" $(cat "$build/failed-targets"); exit 1; }
