#!/bin/bash
# decode.sh [BUILD]: generation and prompts of the 3B shape beside the limits of the same run, for each instruction set worth it: ten to fifteen
# minutes on two cores. Each line of `tarn bench` is a median of five trials that alternate with the measurement of the limits. Nothing else should run.
set -u
build=${1:-$(dirname "$0")/../build}
failed=0

# show SECONDS ISA WORDS… : one run of tarn bench, which may take so long; ISA "all" uses what the machine has.
show() {
    local limit=$1 isa=$2 mask=()
    shift 2
    if [ "$isa" != all ]; then mask=(TARN_ISA="$isa"); fi
    echo "== $isa: bench --random llama-3.2-3b $*"
    env "${mask[@]}" timeout "$limit" "$build/tarn" bench --random llama-3.2-3b "$@" || failed=1
}

echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg)"
show 150 avx2 --bits 4 -p 8 -n 16
show 150 avx2 --bits 4 -p 8 -n 16 --dtype float32
show 150 avx2 --bits 8 -p 8 -n 8
show 150 avx2 --bits 16 -p 8 -n 6
show 150 avx512vnni --bits 4 -p 8 -n 16
show 150 all --bits 4 -p 256 -n 24
show 600 all --bits 4 --context 2047 -n 16 # five prompts of 2031 tokens, which take a minute each without AMX
echo "== avx2: prompts, bfloat16 against float32 tokens"
TARN_ISA=avx2 timeout 60 "$build/bench/bench_matmul" only=prompt gb=0.1 || failed=1
exit $failed
