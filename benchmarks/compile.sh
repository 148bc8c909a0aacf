#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What it costs to compile a call: seconds and peak memory of nvcc for one architecture, and the number of kernels, each
# beside a unit that includes CUDA's three headers of element types and nothing else.
#
#   benchmarks/compile.sh                all of them but the tensor cores' other types
#   benchmarks/compile.sh --types        those, too
#   benchmarks/compile.sh --only NAME    one, and the empty unit
#   benchmarks/compile.sh --phases       what each phase of nvcc takes, too
#
#   --arch NAME       the architecture (default 80)
#   --repeat N        compilations of each (default 3, the units in turn; medians are told)
#
# Ratios are of processor seconds: a neighbour on the machine changes them less than the clock's. The status is 1 where a
# unit is over its limit. Results are also in build/benchmarks/results/compile.json, as Google Benchmark writes them.

set -euo pipefail

# shellcheck source=cmake/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

arch=80 repeat=3 only='' phases=no types=no
value_of() { [[ $# -ge 2 && -n $2 ]] || give_up "$1 needs a value (see benchmarks/compile.sh --help)"; }
while (($# > 0)); do
  case $1 in
    --help | -h) usage "${BASH_SOURCE[0]}" && exit ;;
    --only) value_of "$@" && only=$2 && shift ;;
    --phases) phases=yes ;;
    --types) types=yes ;;
    --arch) value_of "$@" && arch=$2 && shift ;;
    --repeat) value_of "$@" && repeat=$2 && shift ;;
    *) give_up "$1 is no option of benchmarks/compile.sh (see benchmarks/compile.sh --help)" ;;
  esac
  shift
done
[[ $repeat =~ ^[1-9][0-9]*$ ]] || give_up "--repeat needs a whole number (see benchmarks/compile.sh --help)"

[[ $arch =~ ^[0-9]+[af]?$ ]] || give_up "--arch $arch is no GPU architecture; 80 is one (see benchmarks/compile.sh --help)"
prepare_machine nvcc time g++
need_cuda nvcc

work=$tilery_build/benchmarks/compile
results=$tilery_build/benchmarks/results
mkdir -p "$work" "$results"

# Name, what is allowed of it (ratio of seconds, MB, kernels; 0: anything), and its text from standard input.
units=()
declare -A ratio_limit memory_limit kernel_limit arch_of
unit() {
  cat >"$work/$1.cu"
  [[ -z $only || $1 == empty || $1 == "$only" ]] || return 0
  units+=("$1")
  ratio_limit[$1]=$2 memory_limit[$1]=$3 kernel_limit[$1]=$4 arch_of[$1]=$arch
}
operands='tilery::matrix_view<const float> a, tilery::matrix_view<const float> b, tilery::matrix_view<float> c'

unit empty 0 0 0 <<'UNIT'
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
UNIT
unit gemm_headers 0 0 0 <<'UNIT'
#include <tilery/cuda.hpp>
#include <tilery/gemm.hpp>
UNIT
unit gemm_one_policy 2 350 1 <<UNIT
#include <tilery/cuda.hpp>
#include <tilery/gemm.hpp>

constexpr tilery::gemm_simt_policy mine{};
void use($operands) { tilery::gemm<mine>(tilery::cuda(), a, b, c); }
UNIT
unit gemm_default 4 0 8 <<UNIT
#include <tilery/cuda.hpp>
#include <tilery/gemm.hpp>

void use($operands) { tilery::gemm(tilery::cuda(), a, b, c); }
UNIT
unit gemm_mma_one_policy 4 500 1 <<'UNIT'
#include <tilery/cuda.hpp>
#include <tilery/gemm.hpp>

constexpr tilery::gemm_mma_sync_policy mine{};
using operand = tilery::matrix_view<const tilery::bf16>;
void use(operand a, operand b, tilery::matrix_view<tilery::bf16> c) { tilery::gemm<mine>(tilery::cuda(), a, b, c); }
UNIT
# Elements of A and B, of C, and the call's other arguments.
gemm_of() {
  unit "gemm_default_$1" 0 0 8 <<UNIT
#include <tilery/cuda.hpp>
#include <tilery/gemm.hpp>

using operand = tilery::matrix_view<const $2>;
void use(operand a, operand b, tilery::matrix_view<$3> c) { tilery::gemm(tilery::cuda(), a, b, c$4); }
UNIT
}
if [[ $types == yes || $only == gemm_default_* ]]; then
  gemm_of f64 double double ''
  gemm_of tf32 tilery::tf32 float ''
  gemm_of f16 tilery::half tilery::half ''
  gemm_of bf16 tilery::bf16 tilery::bf16 ''
  gemm_of s8 tilery::int8 std::int32_t ''
  gemm_of fp8 tilery::fp8_e4m3 float ', tilery::epilogue::none(), {.scale_a = 1, .scale_b = 1}'
  ((arch >= 89)) || arch_of[gemm_default_fp8]=89 # the first that has it
fi
unit softmax_default 0 0 8 <<'UNIT'
#include <tilery/cuda.hpp>
#include <tilery/softmax.hpp>

void use(tilery::matrix_view<float> x) { tilery::softmax(tilery::cuda(), x, x); }
UNIT
unit every_op 0 0 0 <<'UNIT'
#include <tilery/cuda.hpp>
#include <tilery/tilery.hpp>
UNIT
[[ -z $only || ${#units[@]} -gt 1 || $only == empty ]] || give_up "--only $only: there is no such unit"

# compile NAME ARGUMENT...
compile() {
  local arch=${arch_of[$1]}
  shift
  "${timed[@]}" "$nvcc" -std=c++20 "-I$tilery_root/include" "-gencode=arch=compute_$arch,code=sm_$arch" "$@"
}
timed=()

# Middle value of numbers from standard input.
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# In turn, so that a busy minute of the machine falls on all of them.
rm -f "$work"/*.times
for ((turn = 0; turn < repeat; ++turn)); do
  for name in "${units[@]}"; do
    timed=(command time -f '%e %U %S %M' -a -o "$work/$name.times")
    compile "$name" -c "$work/$name.cu" -o "$work/$name.o" || give_up "$work/$name.cu does not compile"
  done
done

timed=()

declare -A clock processor memory kernels
for name in "${units[@]}"; do
  clock[$name]=$(awk '{ print $1 }' "$work/$name.times" | median)
  processor[$name]=$(awk '{ print $2 + $3 }' "$work/$name.times" | median)
  memory[$name]=$(awk '{ printf "%.0f\n", $4 / 1024 }' "$work/$name.times" | median)
  "$nvcc" -std=c++20 "-I$tilery_root/include" "-arch=compute_${arch_of[$name]}" --ptx "$work/$name.cu" -o "$work/$name.ptx"
  kernels[$name]=$(grep -c '\.entry ' "$work/$name.ptx" || true)
done

# a_kernel NAME: processor seconds beyond the empty unit's, for each kernel.
a_kernel() {
  ((kernels[$1] > 0)) || return 0
  awk -v a="${processor[$1]}" -v b="${processor[empty]}" -v n="${kernels[$1]}" 'BEGIN { printf "%.2f", (a - b) / n }'
}
# ratio NAME: processor seconds, the empty unit's being 1.
ratio() { awk -v a="${processor[$1]}" -v b="${processor[empty]}" 'BEGIN { printf "%.2f", a / b }'; }

over=0
judge() {
  local verdict=''
  awk -v a="$(ratio "$1")" -v most="${ratio_limit[$1]}" 'BEGIN { exit !(most > 0 && a > most) }' && verdict+=" time"
  ((memory_limit[$1] == 0 || memory[$1] <= memory_limit[$1])) || verdict+=" memory"
  ((kernel_limit[$1] == 0 || kernels[$1] <= kernel_limit[$1])) || verdict+=" kernels"
  [[ -z $verdict ]] || { echo "over:$verdict" && return 1; }
}
limits_of() {
  local text=''
  ((ratio_limit[$1] == 0)) || text+="${ratio_limit[$1]} times, "
  ((memory_limit[$1] == 0)) || text+="${memory_limit[$1]} MB, "
  ((kernel_limit[$1] == 0)) || text+="${kernel_limit[$1]} kernels, "
  echo "${text%, }"
}

table=$'unit\tseconds\tprocessor seconds\ttimes the empty unit\tMB\tkernels\tseconds a kernel\tat most\t\n'
for name in "${units[@]}"; do
  verdict=$(judge "$name") || over=$((over + 1))
  table+="$name"$'\t'"${clock[$name]}"$'\t'"${processor[$name]}"$'\t'"$(ratio "$name")"$'\t'"${memory[$name]}"$'\t'"${kernels[$name]}"$'\t'"$(a_kernel "$name")"$'\t'
  table+="$(limits_of "$name")"$'\t'"$verdict"$'\n'
done
print_table <<<"${table%$'\n'}"

# One object of the results.
result() {
  printf '    {\n      "name": "compile/%s",\n      "run_name": "compile/%s",\n      "run_type": "aggregate",\n' "$1" "$1"
  printf '      "aggregate_name": "median",\n      "repetitions": %d,\n      "threads": 1,\n      "iterations": %d,\n' "$repeat" "$repeat"
  printf '      "real_time": %s,\n      "cpu_time": %s,\n      "time_unit": "s",\n' "${clock[$1]}" "${processor[$1]}"
  printf '      "times_empty": %s,\n      "peak_MB": %s,\n      "kernels": %s\n    }' "$(ratio "$1")" "${memory[$1]}" "${kernels[$1]}"
}
{
  model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p)
  printf '{\n  "context": {\n    "date": "%s",\n    "num_cpus": %d,\n    "machine": "%s",\n' "$(date -Iseconds)" "$(nproc)" "$model"
  printf '    "nvcc": "%s",\n    "host_compiler": "%s",\n' "$(version_of "$nvcc")" "$(g++ --version | sed -n 1p)"
  printf '    "arch": "sm_%s",\n    "revision": "%s"\n  },\n  "benchmarks": [\n' "$arch" \
    "$(git -C "$tilery_root" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)"
  separator=
  for name in "${units[@]}"; do
    printf '%s' "$separator" && result "$name"
    separator=$',\n'
  done
  printf '\n  ]\n}\n'
} >"$results/compile.json"
say "wrote ${results#"$PWD/"}/compile.json"

if [[ $phases == yes ]]; then
  for name in "${units[@]}"; do
    compile "$name" --time "$work/$name.csv" -c "$work/$name.cu" -o "$work/$name.o"
    printf '\n%s, milliseconds:\n' "$name"
    awk -F ' *, *' 'NR > 1 && $2 !~ /driver|fatbinary/ { printf "%s\t%.0f\n", $2, $(NF - 1) }' "$work/$name.csv" | print_table
  done
fi
((over == 0))
