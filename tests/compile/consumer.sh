#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Projects that use tilery build and run.
#
#   consumer.sh installed BUILD_FOLDER WORK_FOLDER CMAKE_ARGUMENT...      through find_package, from an installed copy
#   consumer.sh subdirectory SOURCE_FOLDER WORK_FOLDER CMAKE_ARGUMENT...  through add_subdirectory, without Boost
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
  subdirectory)
    arguments=("-DTILERY_SOURCE=$from" -DTILERY_BOOST_CONTEXT=OFF -DTILERY_BOOST_INCLUDE=OFF
      "-DCMAKE_DISABLE_FIND_PACKAGE_"{OpenMP,ZLIB,CLI11,GTest,benchmark,Boost}"=ON" '-DEXPECTED=tilery;native' -DABSENT=virtual_gpu)
    ;;
esac

cmake -S "$here/consumer" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug "${arguments[@]}" "$@" >"$work/configure.log" 2>&1 ||
  { cat "$work/configure.log" && exit 1; }
cmake --build "$work/build" >"$work/build.log" 2>&1 || { cat "$work/build.log" && exit 1; }
for program in headers_only with_virtual_gpu; do
  [[ -x $work/build/$program ]] || continue
  "$work/build/$program" || { echo "$program ends with status $?" && exit 1; }
  echo "$program builds and runs"
done
echo "$kind: ${SECONDS} s"
