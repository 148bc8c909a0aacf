#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Projects that use tilery build and run.
#
#   consumer.sh installed BUILD_FOLDER WORK_FOLDER CMAKE_ARGUMENT...      through find_package, from an installed copy
#   consumer.sh subdirectory SOURCE_FOLDER WORK_FOLDER CMAKE_ARGUMENT...  through add_subdirectory, without Boost
#   consumer.sh fetched SOURCE_FOLDER WORK_FOLDER CMAKE_ARGUMENT...       through FetchContent, without Boost
#   consumer.sh bare SOURCE_FOLDER WORK_FOLDER CUDA_INCLUDE COMPILER      what a machine with a compiler alone is told
#   consumer.sh includes INCLUDE_FOLDER COMPILER ARGUMENT...              what the headers include of other libraries

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kind=$1 from=$2
shift 2

if [[ $kind == includes ]]; then
  trace=$(printf '#include <tilery/%s.hpp>\n' tilery cpu cuda kernel | "$@" -I"$from" -x c++ -M - | tr ' ' '\n')
  ours=$(grep -c '/tilery/' <<<"$trace")
  foreign=$(grep -E '/(boost|CLI|cub|thrust|cuda/std|nlohmann|gtest)/|/(zlib|zconf|omp)\.h' <<<"$trace" || true)
  echo "$ours headers of tilery, which include of Boost, zlib, CLI11, OpenMP and CCCL: ${foreign:-nothing}"
  [[ -z $foreign && $ours -gt 30 ]]
  exit
fi

work=$1
shift
rm -rf "$work"
mkdir -p "$work"
case $kind in
  installed)
    cmake --install "$from" --prefix "$work/prefix" >"$work/install.log"
    arguments=("-DCMAKE_PREFIX_PATH=$work/prefix" '-DEXPECTED=tilery;native;virtual_gpu')
    if grep -rnE --include='*.cmake' "[\"; =]$(dirname "$(dirname "$here")")/" "$work/prefix"; then
      echo "the installed package names the folder that it was made from"
      exit 1
    fi
    ;;
  bare) ;;
  subdirectory | fetched)
    [[ $kind == subdirectory ]] || set -- -DTILERY_FETCHED=ON "$@"
    arguments=("-DTILERY_SOURCE=$from" -DTILERY_BOOST_CONTEXT=OFF -DTILERY_BOOST_INCLUDE=OFF
      "-DCMAKE_DISABLE_FIND_PACKAGE_"{OpenMP,ZLIB,CLI11,GTest,benchmark,Boost}"=ON" '-DEXPECTED=tilery;native' -DABSENT=virtual_gpu)
    ;;
esac

# A machine with a compiler and CMake, no CUDA toolkit, no GoogleTest: the headers are installed; a project that uses them
# is told what is missing, then finds the wheels of an active virtual environment by itself.
if [[ $kind == bare ]]; then
  cuda=$1 compiler=$2
  unset CUDA_HOME CUDA_PATH CUDAToolkit_ROOT VIRTUAL_ENV
  nothing=(-G Ninja "-DCMAKE_CXX_COMPILER=$compiler" -DTILERY_CUDA_SEARCH= -DTILERY_NVCC_ON_PATH=OFF
    "-DCMAKE_DISABLE_FIND_PACKAGE_"{ZLIB,CLI11,GTest,benchmark}"=ON")
  {
    cmake -S "$from" -B "$work/tilery" "${nothing[@]}" -DTILERY_CUDA=OFF
    cmake --install "$work/tilery" --prefix "$work/prefix"
  } >"$work/install.log" 2>&1 || { cat "$work/install.log" && exit 1; }
  configure() {
    cmake -S "$here/consumer" -B "$work/build" --fresh "${nothing[@]}" "-DCMAKE_PREFIX_PATH=$work/prefix" \
      '-DEXPECTED=tilery;native' "$@" 2>&1 | tr '\n' ' ' | tr -s ' '
  }
  tell() { grep -qF -- "$1" "$work/said" || { echo "CMake must say: $1" && cat "$work/said" && exit 1; }; }
  ! configure >"$work/said" || { echo "a project without CUDA's headers is configured" && exit 1; }
  tell "tilery needs the CUDA headers of 12.4 or later (cuda_fp8.h), and found none: install a CUDA toolkit"
  tell "pip install -r $work/prefix/lib/cmake/tilery/"
  mkdir -p "$work/old"
  echo '#define CUDART_VERSION 11080' >"$work/old/cuda_runtime_api.h"
  : >"$work/old/cuda_fp8.h"
  ! CUDA_HOME=$work/old configure >"$work/said" || { echo "CUDA 11.8's headers are taken" && exit 1; }
  tell "and found none ($work/old is older)"
  ! configure -DTILERY_SOURCE="$from" >"$work/said" || { echo "a subdirectory without CUDA's headers is configured" && exit 1; }
  tell "tilery needs the CUDA headers of 12.4 or later"
  wheels=$work/environment/lib/python3.11/site-packages/nvidia/cu13
  mkdir -p "$wheels"
  ln -s "$cuda" "$wheels/include"
  VIRTUAL_ENV=$work/environment configure >"$work/said" || { cat "$work/said" && exit 1; }
  cmake --build "$work/build" --target headers_only >"$work/build.log" 2>&1 || { cat "$work/build.log" && exit 1; }
  "$work/build/headers_only"
  grep -q "TILERY_CUDA_INCLUDE:PATH=$wheels/include" "$work/build/CMakeCache.txt"
  echo "bare: installed, told what is missing, and found wheels, in ${SECONDS} s"
  exit
fi

cmake -S "$here/consumer" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug "${arguments[@]}" "$@" >"$work/configure.log" 2>&1 ||
  { cat "$work/configure.log" && exit 1; }
cmake --build "$work/build" >"$work/build.log" 2>&1 || { cat "$work/build.log" && exit 1; }
if cmake --build "$work/build" --target without_boost >"$work/build.log" 2>&1 ||
  ! grep -qF "tilery: the virtual GPU needs Boost.Context; link the CMake target tilery::virtual_gpu" "$work/build.log"; then
  echo "a program that does not link tilery::virtual_gpu must be told so:" && head -n 10 "$work/build.log" && exit 1
fi
for program in headers_only with_virtual_gpu; do
  [[ -x $work/build/$program ]] || continue
  "$work/build/$program" || { echo "$program ends with status $?" && exit 1; }
  echo "$program builds and runs"
done
echo "$kind: ${SECONDS} s"
