#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Each header compiles on its own, included twice, without a warning: in a copy without the line that makes compilers
# keep quiet about it in a consumer's program.
#
#   headers.sh INCLUDE_FOLDER WORK_FOLDER COMPILER ARGUMENT...
#
# A unit for each header would spend nine tenths of the time on the same standard and CUDA headers. Two rules save it.
# Both keep what is tested: before a header under test, a unit holds only what that header includes, directly or not.
#   - A few of tilery's own headers are compiled in advance; a unit starts from those that its first header includes.
#   - A unit is a chain of headers. The next header of a chain is one that includes the chain's last header.

set -euo pipefail

include=$2/include work=$2
rm -rf "$work"
mkdir -p "$work"
cp -R "$1" "$include"
find "$include" -name '*.hpp' -exec sed -i '/^#pragma GCC system_header$/d' {} +
shift 2
compile=("$@" -fsyntax-only -I"$include")
jobs=$(nproc)

# From largest to smallest: names of headers that are compiled in advance together.
sets=("tilery/simt/virtual/launch_watch.hpp" "tilery/core/operand.hpp tilery/simt/memory.hpp" "tilery/simt/memory.hpp"
  "tilery/core/element.hpp tilery/core/error.hpp" "tilery/simt/virtual/site.hpp tilery/core/error.hpp"
  "tilery/simt/virtual/site.hpp" "tilery/core/error.hpp")

mapfile -t headers < <(cd "$include" && find tilery -name '*.hpp' | sort)
((${#headers[@]} > 50)) || { echo "only ${#headers[@]} headers found under $include" && exit 1; }

# reaches[a] lists, between spaces, what header a includes, directly or not; size[a] is their number.
declare -A direct reaches size
for header in "${headers[@]}"; do
  direct[$header]=$(sed -n 's/^#include <\(tilery\/[^>]*\)>.*/\1/p' "$include/$header" | tr '\n' ' ')
done
follow() {
  local next part
  [[ -z ${reaches[$1]+set} ]] || return 0
  reaches[$1]=" " size[$1]=0
  for next in ${direct[$1]-}; do
    follow "$next"
    for part in $next ${reaches[$next]}; do
      [[ ${reaches[$1]} == *" $part "* ]] || { reaches[$1]+="$part " && size[$1]=$((size[$1] + 1)); }
    done
  done
}
for header in "${headers[@]}"; do follow "$header"; done

for i in "${!sets[@]}"; do
  for header in ${sets[i]}; do echo "#include <$header>"; done >"$work/set$i.hpp"
done
printf '%s\n' "${!sets[@]}" | xargs -P "$jobs" -I{} "$@" -I"$include" -x c++-header "$work/set{}.hpp" -o "$work/set{}.hpp.gch"

# The headers in order of how many they include: a header comes after all that it includes.
mapfile -t headers < <(for header in "${headers[@]}"; do echo "${size[$header]} $header"; done | sort -k1,1n -k2 | cut -d ' ' -f 2)

# Each header goes to the end of the newest chain that it can prolong, among those that start from its own set. A chain is
# one line of list: the set (empty.hpp: none) and the source.
: >"$work/empty.hpp"
: >"$work/list"
count=0 tested=0
declare -a last set_of
for header in "${headers[@]}"; do
  from=empty
  for i in "${!sets[@]}"; do
    whole=yes
    for part in ${sets[i]}; do [[ ${reaches[$header]} == *" $part "* ]] || whole=no; done
    [[ $whole == no ]] || { from=set$i && break; }
  done
  chain=$count
  for ((i = count - 1; i >= 0; --i)); do
    [[ ${set_of[i]} != "$from" || ${reaches[$header]} != *" ${last[i]} "* ]] || { chain=$i && break; }
  done
  source=$work/chain$chain.cpp
  if ((chain == count)); then
    : >"$source"
    printf '%s\n%s\n' "$work/$from.hpp" "$source" >>"$work/list"
    set_of[chain]=$from
    count=$((count + 1))
  fi
  last[chain]=$header
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" >>"$source"
  tested=$((tested + 1))
done

# xargs makes its status 123 where a compiler fails.
status=0
xargs -P "$jobs" -n 2 "${compile[@]}" -Werror -include <"$work/list" || status=$?
echo "$tested headers in $count chains, compiled in ${SECONDS} s with $jobs at once"
exit "$status"
