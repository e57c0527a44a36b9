#!/bin/bash
# test_gpu.sh BUILD [quick]: the tests on NVIDIA GPU 0, in parts that each end within 8 minutes, with fallback off. quick: small ones alone, each
# under compute-sanitizer's memcheck. Without a device they are skipped. The exit status is 0 only if no part fails.
set -u
cd "$(dirname "$0")/.."
build=$(realpath "$1")
export TARN_TEST_DEVICE=cuda TARN_BACKENDS=$build
failed=()

"$build/tests/test_index" >/dev/null 2>&1
[ $? != 77 ] || { echo "skipped: there is no CUDA device here"; exit 0; }

part() {
    echo "== $*"
    timeout 480 ${checker:-} "$build/tests/$1" ${2:-} 2>&1 | tail -n 3
    local status=${PIPESTATUS[0]}
    [ "$status" = 0 ] || { [ "$status" = 77 ] && echo skipped; } || failed+=("$*")
}

quick=("test_cuda_ops attention" "test_cuda_ops rows" "test_cuda_ops reducing" "test_cuda_ops moving" test_fft test_index test_quant_modes test_linalg)
rest=("test_cuda_ops copies" "test_cuda_ops order" "test_cuda_ops searching" "test_cuda_ops products" "test_cuda_ops quantized" test_cuda_kernels
    test_cuda_elementwise test_cuda_fuse test_cuda_chain test_lm test_transform test_transform_compiled test_transform_rows test_transform_ops)
[ "${2:-}" != quick ] || checker="compute-sanitizer --error-exitcode 9"
for each in "${quick[@]}"; do part $each; done
if [ "${2:-}" != quick ]; then
    for each in "${rest[@]}"; do part $each; done
fi
[ ${#failed[@]} -eq 0 ] || { printf 'failed: %s\n' "${failed[@]}" >&2; exit 1; }
