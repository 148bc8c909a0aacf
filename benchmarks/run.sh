#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Builds and runs tilery's benchmarks. Nothing has to be done before: what is missing is installed.
#
#   benchmarks/run.sh                  all suites
#   benchmarks/run.sh gemm_cpu softmax these; a wrong name lists all that there are
#   benchmarks/run.sh gemm_cpu -- ARGS arguments for Google Benchmark, such as --benchmark_filter=512, or for the suite:
#
#     gemm_cpu   --quick: few shapes; --all: the large ones, too; --shapes FILE: those of FILE, which is written as
#                benchmarks/gemm_shapes.txt
#     gemm_gpu   --quick, --shapes FILE; --policies: candidates beside the default call
#     conv_gpu   --quick, --shapes FILE; --images LIST: numbers of images (default 32,256)
#
# Each suite writes build/benchmarks/results/SUITE.json, with the processor, the compiler, the clocks and the git revision
# in its context, but no host's name and no path; a table of the suites ends the run. benchmarks/results keeps those of
# some machines.
#
# For a GPU on another machine: build here, take the repository and build/gpu-benchmarks/bin there, run there. Running
# needs no compiler, no CMake and no network.
#
#   benchmarks/run.sh --build-only     stripped programs for sm_90a in build/gpu-benchmarks/bin
#   benchmarks/run.sh --run            runs them, smallest first, each in its own process
#   benchmarks/run.sh --run gemm_gpu -- --quick   the GEMM beside cuBLASLt, in less than a minute
#   benchmarks/run.sh --run conv_gpu --timeout 3600   convolutions beside cuDNN
#
# gemm_gpu opens cuBLASLt where it runs, by the loader's path or as TILERY_CUBLASLT names its file, and conv_gpu opens
# cuDNN, which TILERY_CUDNN names; without them there is no peer. Where they are built they need the library's header:
# TILERY_CUDNN_INCLUDE names the folder of cuDNN's if the CUDA toolkit has none. tune_gemm_simt and tune_gemm_mma_sync,
# which time a GEMM's policies, are built and run only by their names: they are for the one arch of --arch (75 to 120), and
# end with the row for the table of policies, to be pasted.
#
#   --arch NAME         the GPU architecture to build for (default 90a)
#   --timeout S         seconds that each suite may take (default 600)
#   --results FOLDER    where the JSON files go
#
# TILERY_BUILD moves the build folder, TILERY_JOBS sets how many compilers run at once.

set -euo pipefail

# shellcheck source=cmake/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

mode=here arch=90a limit=600 results=
suites=() passed_on=()

value_of() { [[ $# -ge 2 && -n $2 ]] || give_up "$1 needs a value (see benchmarks/run.sh --help)"; }
number_of() { [[ ${2-} =~ ^[1-9][0-9]*$ ]] || give_up "$1 needs a whole number (see benchmarks/run.sh --help)"; }

while (($# > 0)); do
  case $1 in
    --help | -h) usage "${BASH_SOURCE[0]}" && exit ;;
    --gpu) ;; # as tests/run.sh spells it; --build-only and --run are about the GPU anyway
    --build-only) mode=build ;;
    --run) mode=run ;;
    --arch) value_of "$@" && arch=$2 && shift ;;
    --timeout) number_of "$@" && limit=$2 && shift ;;
    --results) value_of "$@" && results=$2 && shift ;;
    --) shift && passed_on=("$@") && break ;;
    -*) give_up "$1 is no option of benchmarks/run.sh (see benchmarks/run.sh --help)" ;;
    *) suites+=("$1") ;;
  esac
  shift
done

# Names of the suites: known_suites HERE|GPU. Each source file is a suite; those that benchmarks/CMakeLists.txt builds
# twice have the GPU's name, too.
known_suites() {
  local file folder=$tilery_root/benchmarks
  if [[ $1 == here ]]; then for file in "$folder"/*.cpp; do basename "$file" .cpp; done; fi
  for file in "$folder"/*.cu; do basename "$file" .cu; done
  sed -n 's/^tilery_gpu_benchmark(\([a-z_]*\).*/\1_gpu/p' "$folder/CMakeLists.txt"
}
[[ $arch =~ ^[0-9]+[af]?(-real)?$ ]] || give_up "--arch $arch is no GPU architecture; 90a is one (see benchmarks/run.sh --help)"
if [[ $mode != run ]]; then
  known=" $(known_suites "$mode" | tr '\n' ' ')"
  for name in "${suites[@]}"; do
    [[ $known == *" $name "* ]] || give_up "there is no benchmark $name; there are:${known% }"
  done
fi

folder=$tilery_build/benchmarks
[[ $mode == here ]] || folder=$tilery_build/gpu-benchmarks
results=${results:-$folder/results}
[[ $mode == build ]] || need_writable "$results" --results

# What was built from what, kept beside the programs for the machine that runs them.
describe_build() {
  local revision=unknown dirty=unknown status compiler
  if revision=$(git -C "$tilery_root" rev-parse --short=12 HEAD 2>/dev/null) &&
    status=$(git -C "$tilery_root" status --porcelain 2>/dev/null); then
    dirty=$([[ -z $status ]] && echo no || echo yes)
  fi
  compiler=$(g++ --version | sed -n 1p)
  [[ -z $nvcc ]] || compiler+=" with nvcc $(version_of "$nvcc")"
  printf '%s\n' "compiler=$compiler" "git_revision=${revision:-unknown}" "git_dirty=$dirty"
}

build_suites() {
  local cuda=compiler
  [[ $mode == here ]] || cuda=nvcc
  # shellcheck disable=SC2086  # lists of words
  prepare_machine $cuda $packages_to_build $packages_for_benchmarks
  need_cuda $cuda
  tell_cmake_about_cuda
  local -a arguments=(-DCMAKE_BUILD_TYPE=Release -DTILERY_BENCHMARKS=ON -DTILERY_TESTS=OFF -DTILERY_EXAMPLES=OFF
    -DCMAKE_CXX_COMPILER=g++ "${cuda_arguments[@]}")
  if [[ $mode == build ]]; then
    arguments+=(-DTILERY_GPU_ONLY=ON "-DCMAKE_CUDA_ARCHITECTURES=${arch%-real}-real")
  fi
  configure "$folder" "${arguments[@]}"
  local name targets
  targets=$'\n'$(ninja -C "$folder" -t targets all)
  for name in "${suites[@]}"; do
    [[ $targets == *$'\n'"bin/$name: "* ]] || give_up "the benchmark $name cannot be built here: it needs nvcc, and gemm_gpu cublasLt.h, conv_gpu cudnn_graph.h"
  done
  build "$folder" "${suites[@]/#/bin/}"
  ninja -C "$folder" -t cleandead >/dev/null # programs of suites that are no more
  describe_build >"$folder/bin/build.txt"
}

# One flag for each fact of this machine. Google Benchmark takes neither commas nor equal signs in a value.
context=()
add_context() {
  local value=${2//,/;}
  [[ -z $value ]] || context+=("--benchmark_context=$1=${value//=/:}")
}
gather_context() {
  local key value gpu model=unknown
  while IFS=: read -r key value; do
    [[ $key != 'model name'* ]] || { model=${value# } && break; }
  done </proc/cpuinfo
  add_context machine "$model"
  add_context cores "$(nproc)"
  gpu=$(gpu_in_words name,driver_version)
  if [[ -n $gpu ]]; then
    add_context gpu "${gpu%%, *}"
    add_context gpu_driver "${gpu#*, }"
    add_context gpu_clocks_before "$(gpu_in_words clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.limit)"
  fi
  add_context openblas_coretype "${OPENBLAS_CORETYPE-}"
  if [[ -r $folder/bin/build.txt ]]; then
    while IFS='=' read -r key value; do add_context "$key" "$value"; done <"$folder/bin/build.txt"
  fi
}

# Older OpenBLAS does not know newer processors and falls back to slow kernels: name the best ones that this one runs.
choose_openblas_kernels() {
  local flags
  flags=" $(while IFS=: read -r key value; do [[ $key != flags* ]] || { echo "$value" && break; }; done </proc/cpuinfo) "
  if [[ $flags == *' avx512bw '* ]]; then
    export OPENBLAS_CORETYPE=SkylakeX
  elif [[ $flags == *' avx2 '* ]]; then
    export OPENBLAS_CORETYPE=Haswell
  fi
}

# One of the suites, its console output as it comes. Leaves a row of the closing table in `row`.
run_suite() {
  local name=$1 begin=$SECONDS status=0 outcome=finished line count=0
  printf '\n'
  say "$name"
  rm -f "$results/$name.json"
  LD_LIBRARY_PATH=$folder/bin/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} timeout --kill-after=10 "$limit" \
    "$folder/bin/$name" --benchmark_out="$results/$name.json" --benchmark_out_format=json \
    --benchmark_counters_tabular=true "${context[@]}" "${passed_on[@]}" </dev/null || status=$?
  if [[ -r $results/$name.json ]]; then
    sed -i -e '/^ *"host_name": /d' -e '/^ *"executable": /d' "$results/$name.json"
    while IFS= read -r line; do
      [[ $line != *'"run_type": "iteration"'* ]] || count=$((count + 1))
    done <"$results/$name.json"
  fi
  if ((status == 77)); then
    outcome="skipped: no GPU" status=0
  elif ((status != 0)); then
    outcome=$(why_ended "$status")
  fi
  row="$name"$'\t'"$outcome"$'\t'"$((SECONDS - begin))"$'\t'"$count"$'\t'"${results#"$PWD/"}/$name.json"
  return "$status"
}

run_suites() {
  local name bad=0 row table=$'suite\tresult\tseconds\tmeasurements\tfile\n'
  if ((${#suites[@]} == 0)); then
    while IFS= read -r name; do
      [[ $name == tune_* ]] || suites+=("$name")
    done < <(if [[ $mode == run ]]; then listed_suites "$folder/bin"; else programs_in "$folder/bin"; fi)
  fi
  ((${#suites[@]} > 0)) || give_up "no benchmarks in ${folder#"$PWD/"}/bin; build them with: benchmarks/run.sh --build-only"
  mkdir -p "$results"
  for name in "${suites[@]}"; do
    [[ -x $folder/bin/$name ]] ||
      give_up "there is no benchmark $name in ${folder#"$PWD/"}/bin; there are: $(programs_in "$folder/bin" | paste -s -d ' ')"
    run_suite "$name" || bad=$((bad + 1))
    table+=$row$'\n'
  done
  printf '\n'
  print_table <<<"${table%$'\n'}"
  ((bad == 0))
}

[[ $mode == run ]] || build_suites
if [[ $mode == build ]]; then
  make_portable "$folder/bin"
  exit
fi
[[ -n ${OPENBLAS_CORETYPE-} ]] || choose_openblas_kernels
gather_context
run_suites
