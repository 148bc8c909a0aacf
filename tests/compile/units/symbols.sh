#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Two objects that were compiled for different machines share no function of tilery: their inline namespaces differ. The one
# thing that a program has once is the question where a pointer points (core/memory_space.hpp).
#
#   symbols.sh OBJECT OBJECT TAG TAG

set -euo pipefail

# Names that the object defines and the linker may merge with another's, or that it exports.
defined() { nm -C --defined-only "$1" | sed -n 's/^[0-9a-f]* [A-Za-z] //p' | grep 'tilery::' | grep -v '^tilery::ask_for_memory_space$' | sort -u; }

status=0
for i in 1 2; do
  tag=$((i + 2))
  count=$(defined "${!i}" | grep -c "tilery::${!tag}::" || true)
  echo "${!i##*/}: $count names in tilery::${!tag}"
  ((count > 0)) || status=1
done
shared=$(comm -12 <(defined "$1") <(defined "$2"))
if [[ -n $shared ]]; then
  echo "both define:"
  echo "$shared"
  status=1
fi
exit $status
