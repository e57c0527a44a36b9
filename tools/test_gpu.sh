#!/bin/bash
# test_gpu.sh BUILD [quick|race|init]: the tests on NVIDIA GPUs with fallback off, each on one of them but that of two, then the bench of single kernels, within 10 minutes on 16
# cores; the last lines are a table of parts: exit status, seconds, what they said last. quick: every kernel, under compute-sanitizer's memcheck;
# race, init: those that use shared memory or atomics, under racecheck or initcheck. Of calls that are alike these take a share, TARN_ROUNDS per cent (10).
# AT_ONCE parts run beside each other (one a core, 14 at most); LIMIT is when all of them are ended, in seconds (460); LOGS is a folder that
# keeps what they print. CUDA_VISIBLE_DEVICES, where it is set, says which GPUs are used. Without a device the tests
# are skipped. The exit status is 0 only if no part fails.
set -u
cd "$(dirname "$0")/.."
cores=$(nproc)
export BUILD=$(realpath "$1") TARN_TEST_DEVICE=cuda
IFS=, read -ra cards <<<"${CUDA_VISIBLE_DEVICES-$(nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null | paste -sd,)}"
export CARDS="${cards[*]:-0}" TARN_BACKENDS=$BUILD LOGS=${LOGS:-$(mktemp -d)} CHECKER= END=$(($(date +%s) + ${LIMIT:-460}))
mkdir -p "$LOGS"
rm -f "$LOGS/failed" "$LOGS/table"

"$BUILD/tests/test_index" >/dev/null 2>&1
[ $? != 77 ] || { echo "skipped: there is no CUDA device here"; exit 0; }

# What a part is called: without folders and settings.
name_of() { echo "$*" | sed 's|[^ ]*/||g; s|[A-Z_]*=[^ ]* ||g'; }

part() {
    local name=$(name_of "$*") begun=$(date +%s)
    local cards=($CARDS) log="$LOGS/$(echo "$name" | tr ' ' '_')" left=$((END - begun))
    [ $left -gt 0 ] && timeout $left env CUDA_VISIBLE_DEVICES=${cards[SLOT % ${#cards[@]}]} $CHECKER "${@}" >"$log" 2>&1
    local status=$?
    printf '%-32s %4d %5d s  %s\n' "$name" $status $(($(date +%s) - begun)) "$(tail -n 1 "$log" 2>/dev/null | cut -c1-80)" >>"$LOGS/table"
    [ $status = 0 ] || [ $status = 77 ] || echo "$name" >>"$LOGS/failed"
}
export -f part name_of

small() {
    printf '%s\n' "test_cuda_ops attention" "test_cuda_ops reducing" "test_cuda_ops moving" test_cuda_attention test_cuda_tf32 test_fft test_index test_quant_modes test_linalg
}
rows() {
    for dtype in float16 bfloat16 float32 float64; do echo "test_cuda_ops rows_$dtype"; done
}
large() {
    printf '%s\n' "test_cuda_ops order" "test_cuda_ops copies" "test_cuda_ops searching" "test_cuda_ops products" "test_cuda_ops quantized" \
        test_device_kernel "test_device_kernel lost" test_cuda_kernels test_cuda_fuse test_cuda_chain test_mapped_pages test_lm test_lm_batch test_lm_draw test_transform test_transform_compiled
    for i in 0 1 2 3; do echo "test_transform_rows $i 4"; done
}
checked() {
    rows
    small
    printf '%s\n' "test_cuda_ops searching" "test_cuda_ops order" "test_cuda_ops quantized" "test_cuda_ops products" test_cuda_fuse
}
in_build() { sed "s|^|$BUILD/tests/|"; }
# Packages that PYTHONPATH leads to are found, too.
from_python() {
    local paths=$BUILD/python${PYTHONPATH:+:$PYTHONPATH}
    PYTHONPATH=$paths python3 -c 'import numpy, pytest, tarn.core' 2>/dev/null || return
    echo "PYTHONPATH=$paths python3 -m pytest -q tests/python/test_python_gpu.py"
    PYTHONPATH=$paths python3 -c 'import transformers, importlib.util as u; assert u.find_spec("mlx_lm")' 2>/dev/null || return
    echo "PYTHONPATH=$paths python3 -m pytest -q tests/python/test_mlx_lm_gpu.py"
}
parts() {
    case ${1:-} in
    quick) { checked; printf '%s\n' test_cuda_elementwise "test_cuda_ops copies" test_device_kernel; } | in_build ;;
    race | init) checked | grep -v linalg | in_build ;;
    *)  # the longest first
        for i in 0 1 2 3 4 5 6 7; do echo "test_transform_ops $i 8"; done | in_build
        echo test_cuda_elementwise | in_build
        [ ${#cards[@]} -lt 2 ] || echo "CUDA_VISIBLE_DEVICES=${cards[0]},${cards[1]} $BUILD/tests/test_devices"
        echo "TARN_GRAPHS_STREAMS=cgg TARN_GRAPHS=120 $BUILD/tests/test_graphs"
        from_python
        { rows; large; small; } | in_build
        ;;
    esac
}

case ${2:-} in
quick) CHECKER="compute-sanitizer --report-api-errors no --error-exitcode 9" ;; # what the tests have refused is an error of the API
race) CHECKER="compute-sanitizer --tool racecheck --error-exitcode 9" ;;
init) CHECKER="compute-sanitizer --tool initcheck --error-exitcode 9" ;;
esac
[ -z "$CHECKER" ] || export TARN_ROUNDS=${TARN_ROUNDS:-10}
parts "${2:-}" | xargs --process-slot-var=SLOT -P "${AT_ONCE:-$((cores < 14 ? cores : 14))}" -I {} bash -c 'part {}'
if [ -z "${2:-}" ] && [ -x "$BUILD/bench/bench_cuda_kernels" ]; then # by itself: others would be in its figures
    SLOT=0 END=$((END + 120)) part "$BUILD/bench/bench_cuda_kernels"
    cat "$LOGS/bench_cuda_kernels"
fi
for i in $(sort "$LOGS/failed" 2>/dev/null | tr ' ' '_'); do printf '\n== %s\n' "$i"; tail -n 20 "$LOGS/$i" 2>/dev/null; done
printf '\n%-32s %s\n' part "status, seconds, last line"
sort "$LOGS/table"
[ ! -e "$LOGS/failed" ]
