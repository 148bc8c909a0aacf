#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Each header compiles on its own, included twice, without a warning: in a copy without the line that makes compilers
# keep quiet about it in a consumer's program.
#
#   headers.sh INCLUDE_FOLDER WORK_FOLDER COMPILER ARGUMENT...
#
# Nine tenths of that time would go into reading the same standard and CUDA headers again. So a few of tilery's own
# headers are compiled in advance, and a header under test starts from those of them that it includes itself, directly or
# not: what is in scope is what it includes, no more.

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

# reaches[a] lists, between spaces, what header a includes, directly or not.
declare -A direct reaches
for header in "${headers[@]}"; do
  direct[$header]=$(sed -n 's/^#include <\(tilery\/[^>]*\)>.*/\1/p' "$include/$header" | tr '\n' ' ')
done
follow() {
  local next
  [[ -z ${reaches[$1]+set} ]] || return 0
  reaches[$1]=" "
  for next in ${direct[$1]-}; do
    follow "$next"
    reaches[$1]+="$next${reaches[$next]}"
  done
}
for header in "${headers[@]}"; do follow "$header"; done

for i in "${!sets[@]}"; do
  for header in ${sets[i]}; do echo "#include <$header>"; done >"$work/set$i.hpp"
done
printf '%s\n' "${!sets[@]}" | xargs -P "$jobs" -I{} "$@" -I"$include" -x c++-header "$work/set{}.hpp" -o "$work/set{}.hpp.gch"

# One line a header: its source, and the set to start from (empty.hpp: none).
: >"$work/empty.hpp"
for header in "${headers[@]}"; do
  from=empty
  for i in "${!sets[@]}"; do
    whole=yes
    for part in ${sets[i]}; do [[ ${reaches[$header]} == *" $part "* ]] || whole=no; done
    [[ $whole == no ]] || { from=set$i && break; }
  done
  source=$work/${header//\//.}.cpp
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$source"
  printf '%s\n%s\n' "$work/$from.hpp" "$source"
done >"$work/list"

# xargs makes its status 123 where a compiler fails.
status=0
xargs -P "$jobs" -n 2 "${compile[@]}" -Werror -include <"$work/list" || status=$?
echo "${#headers[@]} headers, each compiled alone in ${SECONDS} s with $jobs at once"
exit "$status"
