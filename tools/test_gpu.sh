#!/bin/bash
# test_gpu.sh BUILD [quick|race|init]: the tests on NVIDIA GPU 0, in parts that each end within 8 minutes, with fallback off. quick: small ones
# alone, each under compute-sanitizer's memcheck; race, init: those whose kernels use shared memory or atomics, under racecheck or initcheck.
# AT_ONCE parts run beside each other (1); LOGS is a folder that keeps what they print. Without a device they are skipped. The exit status is 0
# only if no part fails.
set -u
cd "$(dirname "$0")/.."
export BUILD=$(realpath "$1") TARN_TEST_DEVICE=cuda
export TARN_BACKENDS=$BUILD LOGS=${LOGS:-$(mktemp -d)} CHECKER=
mkdir -p "$LOGS"

"$BUILD/tests/test_index" >/dev/null 2>&1
[ $? != 77 ] || { echo "skipped: there is no CUDA device here"; exit 0; }

part() {
    local log="$LOGS/$(echo "$*" | sed 's|[^ ]*/||g' | tr ' =' '__')" begun=$SECONDS
    timeout 480 env $CHECKER "${@}" >"$log" 2>&1
    local status=$?
    { echo "== $* (status $status, $((SECONDS - begun)) s)"; tail -n 3 "$log"; } >"$log.end"
    cat "$log.end"
    [ $status = 0 ] || [ $status = 77 ] || { echo "$*" >>"$LOGS/failed"; cp "$log" "$log.failed"; }
}
export -f part

small() {
    printf '%s\n' "test_cuda_ops attention" "test_cuda_ops rows" "test_cuda_ops reducing" "test_cuda_ops moving" test_cuda_attention test_fft \
        test_index test_quant_modes test_linalg
}
large() {
    printf '%s\n' "test_cuda_ops copies" "test_cuda_ops order" "test_cuda_ops searching" "test_cuda_ops products" "test_cuda_ops quantized" \
        test_cuda_kernels test_cuda_fuse test_cuda_chain test_device_kernel test_lm test_transform test_transform_compiled
    for i in 0 1 2 3; do echo "test_transform_rows $i 4"; done
    for i in 0 1 2 3 4 5 6 7; do echo "test_transform_ops $i 8"; done
}
in_build() { sed "s|^|$BUILD/tests/|"; }
parts() {
    case ${1:-} in
    quick) small | in_build ;;
    race | init) { small | grep -v linalg; echo test_cuda_fuse; echo "test_cuda_ops searching"; } | in_build ;;
    *)  # the longest first
        echo test_cuda_elementwise | in_build
        echo "TARN_GRAPHS_STREAMS=cgg TARN_GRAPHS=120 $BUILD/tests/test_graphs"
        { large; small; } | in_build
        ;;
    esac
}

case ${2:-} in
quick) CHECKER="compute-sanitizer --error-exitcode 9" ;;
race) CHECKER="compute-sanitizer --tool racecheck --error-exitcode 9" ;;
init) CHECKER="compute-sanitizer --tool initcheck --error-exitcode 9" ;;
esac
rm -f "$LOGS/failed"
parts "${2:-}" | xargs -P "${AT_ONCE:-1}" -I {} bash -c 'part {}'
[ ! -e "$LOGS/failed" ] || { sed 's/^/failed: /' "$LOGS/failed" >&2; exit 1; }
