#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# An op's header, included before all others, is enough to call the op: its kernels are templates, and what they forgot
# to include shows only where they are used.
#
#   calls.sh FILE... -- COMPILER ARGUMENT...

set -euo pipefail

files=()
while [[ $1 != -- ]]; do files+=("$1") && shift; done
shift
status=0
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 "$@" || status=$?
echo "${#files[@]} files in ${SECONDS} s"
exit "$status"
