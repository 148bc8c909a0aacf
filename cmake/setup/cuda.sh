# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154  # tilery_root and tilery_build come from cmake/setup.sh
#
# Finds a CUDA toolkit, or makes one: CUDA's compiler and headers are also published as Python wheels, which unpack into
# build/cuda-toolkit without touching the system. `need_cuda` finds or fetches, and leaves its answer in two variables:
#
#   nvcc        the compiler's path, empty where the build has to do with the host's compiler alone
#   cuda_root   the folder whose include/ has CUDA's headers

cuda_at_least=12.8
cuda_headers_at_least=12080
cuda_toolkit=$tilery_build/cuda-toolkit
nvcc=
cuda_root=

# Where a toolkit may be, best first.
cuda_places() {
  local on_path
  {
    if on_path=$(command -v nvcc); then dirname "$(dirname "$(readlink -f "$on_path")")"; fi
    printf '%s\n' "${CUDA_HOME-}" "${TILERY_CUDA_SEARCH-/usr/local/cuda}" "$cuda_toolkit"
  } | awk '$0 != "" && !seen[$0]++'
}

# version_of NVCC: such as 13.0
version_of() { "$1" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\),.*/\1/p'; }

# at_least MINIMUM VERSION
at_least() { printf '%s\n' "$1" "$2" | sort -V -C; }

# Of our own folder: whether the headers came whole, whether the compiler works. Other toolkits are taken as they are.
headers_count() { [[ $1 != "$cuda_toolkit" || -e $1/headers.done ]]; }
compiler_counts() { [[ $1 != "$cuda_toolkit" || -e $1/compiler.works ]]; }

passed_over=' '
find_nvcc() {
  local place version
  while IFS= read -r place; do
    [[ -x $place/bin/nvcc ]] || continue
    compiler_counts "$place" || continue
    version=$(version_of "$place/bin/nvcc") || continue
    if at_least "$cuda_at_least" "${version:-0}"; then
      nvcc=$place/bin/nvcc cuda_root=$place
      return 0
    fi
    [[ $passed_over != *" $place "* ]] || continue # it has been said
    passed_over+="$place "
    say "passing over $place/bin/nvcc: it is CUDA ${version:-of an unknown version}, and $cuda_at_least is needed"
  done < <(cuda_places)
  return 1
}

find_cuda_headers() {
  local place version
  while IFS= read -r place; do
    headers_count "$place" || continue
    [[ -d $place/include/cccl || -d $place/include/cub ]] || continue
    version=$(sed -n 's/^#define CUDART_VERSION *//p' "$place/include/cuda_runtime_api.h" 2>/dev/null) || continue
    ((${version:-0} >= cuda_headers_at_least)) || continue
    cuda_root=$place
    return 0
  done < <(cuda_places)
  return 1
}

# Whether need_cuda will find what it looks for, so that nothing has to be fetched: cuda_is_here headers|compiler|nvcc
cuda_is_here() { if [[ $1 == headers ]]; then find_cuda_headers; else find_nvcc; fi; }

# fetch_wheels headers|compiler: unpacks the wheels that cuda_headers.txt or cuda_compiler.txt pin by hash.
fetch_wheels() {
  local part=$1 list=$tilery_root/cmake/setup/cuda_$1.txt folder=$cuda_toolkit.partial log=$tilery_build/setup/pip.log
  cmp -s "$list" "$cuda_toolkit/$part.done" && return
  say "no CUDA $cuda_at_least or later here: fetching its $part from wheels into ${cuda_toolkit#"$PWD/"}"
  rm -rf "$folder"
  mkdir -p "$folder" "$cuda_toolkit"
  mkdir -p "$cuda_toolkit/licenses"
  {
    logged "$log" python3 -m venv "$folder/python" &&
      logged "$log" "$folder/python/bin/pip" install --disable-pip-version-check --retries 2 --no-deps \
        --only-binary :all: --require-hashes --target "$folder/wheels" -r "$list" &&
      logged "$log" cp -a "$folder"/wheels/nvidia/cu13/. "$cuda_toolkit/" &&
      logged "$log" cp -a "$folder"/wheels/*.dist-info "$cuda_toolkit/licenses/"
  } 2>/dev/null || {
    install_trouble="the wheels could not be fetched: $(last_error "$log")"
    return 1
  }
  rm -rf "$folder"
  # The names that linkers and CMake look for, which the wheels leave out.
  ln -sfn lib "$cuda_toolkit/lib64"
  [[ ! -e $cuda_toolkit/lib/libcudart.so.13 ]] || ln -sfn libcudart.so.13 "$cuda_toolkit/lib/libcudart.so"
  cp "$list" "$cuda_toolkit/$part.done"
}

# Compiles and links a kernel: a compiler that is there may still refuse the host's g++ or C library.
nvcc_works() {
  local folder=$tilery_build/setup/nvcc
  mkdir -p "$folder"
  cat >"$folder/probe.cu" <<'PROBE'
#include <cuda_fp16.h>
__global__ void twice(__half* x) { x[threadIdx.x] = x[threadIdx.x] + x[threadIdx.x]; }
int main() { twice<<<1, 1>>>(nullptr); }
PROBE
  logged "$folder/probe.log" "$1" -std=c++20 -gencode=arch=compute_80,code=sm_80 "$folder/probe.cu" -o "$folder/probe" 2>/dev/null
}

# The sentence for when it cannot be had.
without_cuda() {
  local what=$1 command=$0
  local -a missing
  # shellcheck disable=SC2086  # a list of words
  mapfile -t missing < <(missing_packages $packages_for_wheels)
  ((${#missing[@]} == 0)) || command="$(install_command "${missing[@]}") && $0"
  give_up "missing: CUDA's $what ($install_trouble); install a CUDA toolkit ($cuda_at_least or later) and set CUDA_HOME to" \
    "its folder, or, with a network, fetch what is missing with: $command"
}

# need_cuda headers    what a build without nvcc needs
# need_cuda compiler   nvcc where it can be had, else the headers
# need_cuda nvcc       nvcc or nothing
need_cuda() {
  local wanted=$1
  nvcc='' cuda_root='' install_trouble=''
  if [[ $wanted == headers ]]; then
    find_cuda_headers && return
    fetch_wheels headers || without_cuda headers
    cuda_root=$cuda_toolkit
    return
  fi

  find_nvcc && return
  if fetch_wheels headers && fetch_wheels compiler; then
    if nvcc_works "$cuda_toolkit/bin/nvcc"; then
      nvcc=$cuda_toolkit/bin/nvcc cuda_root=$cuda_toolkit
      touch "$cuda_toolkit/compiler.works"
      return
    fi
    install_trouble="fetched, but it does not work here: ${tilery_build#"$PWD/"}/setup/nvcc/probe.log"
  fi
  [[ $wanted == compiler ]] || without_cuda compiler
  find_cuda_headers || without_cuda "compiler and headers"
  say "building with the host's compiler alone, without the cuda executor, for want of nvcc ($install_trouble)"
}

# Fills the array cuda_arguments with what CMake must be told.
tell_cmake_about_cuda() {
  export CUDA_HOME=$cuda_root
  cuda_arguments=("-DCUDAToolkit_ROOT=$cuda_root")
  if [[ -n $nvcc ]]; then
    cuda_arguments+=(-DTILERY_CUDA=ON "-DCMAKE_CUDA_COMPILER=$nvcc")
  else
    cuda_arguments+=(-DTILERY_CUDA=OFF "-DTILERY_CUDA_INCLUDE=$cuda_root/include")
  fi
}

# Whether a program could use a GPU here: NVIDIA's device files, or the ones of WSL.
gpu_is_visible() { [[ -e /dev/nvidiactl || -e /dev/dxg ]]; }
