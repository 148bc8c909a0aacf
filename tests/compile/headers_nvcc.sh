#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Every header, through nvcc, as a user's program includes them: without a word from the compiler.
#
#   headers_nvcc.sh WORK_FOLDER NVCC ARGUMENT...

set -euo pipefail

work=$1
shift
mkdir -p "$work"
printf '#include <tilery/%s.hpp>\n' tilery cuda cpu virtual_gpu kernel >"$work/all.cu"
says=$("$@" -arch=sm_80 -c "$work/all.cu" -o "$work/all.o" 2>&1) || { echo "$says" && exit 1; }
echo "${says:-no warning}, ${SECONDS} s"
[[ -z $says ]]
