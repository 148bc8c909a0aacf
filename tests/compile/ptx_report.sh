#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What nvcc makes of the kernels: registers, spills, shared memory, and the width of each access to memory.
#
#   ptx_report.sh WORK_FOLDER "ARCH..." UNIT... -- NVCC ARGUMENT...
#
# A unit is FILE:ELEMENT or FILE:ELEMENT:DEFINITION, FILE being one of ptx/*.cu. The report fails where a kernel spills,
# uses a stack, needs more registers than its block can have, does not access memory in the widths that its unit says it
# is meant to (ptx/kernels.hpp), single bytes above all, or has not as many tensor-core instructions and asynchronous
# copies as the tiling says.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$1 archs=$2
shift 2
units=()
while [[ $1 != -- ]]; do units+=("$1") && shift; done
shift
compile=("$@")
ptxas=$(dirname "$(readlink -f "$(command -v "$1")")")/ptxas
rm -rf "$work"
mkdir -p "$work"

# compile_unit UNIT ARCH: the PTX and ptxas's report.
compile_unit() {
  local file element definition name=$work/${1//:/_}.$2
  IFS=: read -r file element definition <<<"$1"
  "${compile[@]}" -Werror all-warnings --ptx "-arch=compute_$2" "-DELEMENT=$element" ${definition:+"-D$definition"} "$here/ptx/$file.cu" -o "$name.ptx"
  if ! "$ptxas" -v "-arch=sm_$2" "$name.ptx" -o "$name.cubin" >"$name.log" 2>&1; then
    cat "$name.log"
    return 1
  fi
}

# One line a kernel: name, registers, spilled bytes and stack, threads, shared bytes, then narrowest and widest access of
# global loads, global stores, shared loads and shared stores, counts of mma.sync, ldmatrix and cp.async, then what is meant. Names
# are as they are written in C++, shortened.
read_report() {
  cat "$1.ptx" "$1.log" | c++filt | awk -v OFS='\t' '
    function short(name) {
      gsub(/tilery::(v[0-9a-z_]+::)?/, "", name)
      gsub(/\(along\)0/, "k", name); gsub(/\(along\)1/, "outer", name); gsub(/\(along\)2/, "any", name)
      gsub(/, \(host_isa\)[0-9]/, "", name); gsub(/\(arch\)/, "sm_", name)
      gsub(/(gemm_simt|gemm_mma_sync|gemm_skinny|row|elementwise|depthwise|depthwise_weight|conv_window|pixel|global_pool)_policy|tile_mnk?/, "", name); gsub(/, /, ",", name); gsub(/epilogue::/, "", name); gsub(/> >/, ">>", name)
      return name
    }
    function argument_list(text) {  # of trampoline<...>(...) and told_of<...>
      sub(/^.*(trampoline|told_of)</, "", text); sub(/ *>\(.*$/, "", text)
      return short(text)
    }
    function saw(what, bytes) {
      if (!((kernel, what) in least) || bytes < least[kernel, what]) least[kernel, what] = bytes
      if (bytes > most[kernel, what]) most[kernel, what] = bytes
    }
    function range(kernel, what) { return ((kernel, what) in least) ? least[kernel, what] "\t" most[kernel, what] : "0\t0" }
    /told_of</ {
      match($0, /= [0-9]+;/)
      bytes = (RSTART > 0) ? substr($0, RSTART + 2, RLENGTH - 3) : 0
      sub(/>( = [0-9]+)?;.*$/, "")
      key = argument_list($0)
      match(key, /(,[0-9]+)+$/)
      meant = substr(key, RSTART + 1); key = substr(key, 1, RSTART - 1)
      gsub(/,/, "\t", meant)
      shared[key] = bytes; told[key] = meant
    }
    /\.entry / { kernel = argument_list($0); order[++count] = kernel }
    /\.maxntid/ { match($0, /[0-9]+/); threads[kernel] = substr($0, RSTART, RLENGTH) }
    match($0, /(ld|st)\.(volatile\.)?(global|shared)\.[a-z0-9.]+/) {
      instruction = substr($0, RSTART, RLENGTH)
      part_count = split(instruction, part, ".")
      bits = part[part_count]; gsub(/[a-z]/, "", bits)
      times = match(instruction, /\.v[248]\./) ? substr(instruction, RSTART + 2, 1) : 1
      saw(part[1] (instruction ~ /global/ ? "global" : "shared"), times * bits / 8)
    }
    /mma\.sync/ { ++mma[kernel] }
    /ldmatrix/ { ++ldmatrix[kernel] }
    /cp\.async\.c[ag]/ { ++copies[kernel] }
    /Compiling entry function/ { kernel = argument_list($0) }
    /bytes stack frame/ { stack[kernel] = $1; spilled[kernel] = $5 + $9 }
    /Used [0-9]+ registers/ { match($0, /Used [0-9]+/); registers[kernel] = substr($0, RSTART + 5, RLENGTH - 5) }
    /warning|C75[0-9][0-9]/ { print "warning: " $0 > "/dev/stderr" }
    END {
      for (i = 1; i <= count; ++i) {
        k = order[i]
        print k, registers[k], spilled[k] + 0, stack[k] + 0, threads[k], shared[k] + 0, range(k, "ldglobal"), range(k, "stglobal"), range(k, "ldshared"), range(k, "stshared"), mma[k] + 0, ldmatrix[k] + 0, copies[k] + 0, told[k]
      }
    }'
}

# Turns these lines into rows of the table, with what is wrong in its last column.
judge() {
  awk -F '\t' -v OFS='\t' -v arch="$1" '
    function width(a, b) { return a == b ? a : a ".." b }
    {
      wrong = ""
      if ($2 == "") wrong = wrong " no report;"
      if ($3 > 0) wrong = wrong " spills " $3 " bytes;"
      if ($4 > $3) wrong = wrong " stack of " $4 " bytes;"
      if (int(($2 + 7) / 8) * 8 * $5 > 65536) wrong = wrong " too many registers for " $5 " threads;"
      if ($7 != $18 || $8 != $19) wrong = wrong " global loads are meant to be " width($18, $19) ";"
      if ($9 != $20 || $10 != $21) wrong = wrong " global stores are meant to be " width($20, $21) ";"
      if ($11 < $22) wrong = wrong " shared loads are meant to be " $22 " at least;"
      if ($23 > 0 && ($13 != $23 || $14 != $24)) wrong = wrong " shared stores are meant to be " width($23, $24) ";"
      if ($15 != $25 || $16 != $26 || $17 != $27) wrong = wrong " meant to have " $25 " mma.sync, " $26 " ldmatrix and " $27 " cp.async;"
      print arch, $2, $3, $5, $6, width($7, $8), width($9, $10), width($11, $12), width($13, $14), $15, $16, $17, $1, (wrong == "" ? "" : "WRONG:" wrong)
    }'
}

compilations=()
for unit in "${units[@]}"; do for arch in $archs; do compilations+=("$unit $arch"); done; done
status=0 running=0
for job in "${compilations[@]}"; do
  ((running < $(nproc))) || { wait -n || status=1; running=$((running - 1)); }
  # shellcheck disable=SC2086  # two words
  compile_unit $job &
  running=$((running + 1))
done
while ((running > 0)); do wait -n || status=1; running=$((running - 1)); done
((status == 0)) || exit 1

table=$work/table
printf 'sm\tregisters\tspilled\tthreads\tshared\tld.global\tst.global\tld.shared\tst.shared\tmma\tldmatrix\tcp.async\tkernel\n' >"$table"
for job in "${compilations[@]}"; do
  unit=${job% *} arch=${job#* }
  read_report "$work/${unit//:/_}.$arch" 2>>"$work/warnings" | judge "$arch" >>"$table"
done
column -t -s $'\t' "$table" 2>/dev/null || cat "$table"
kernels=$(($(wc -l <"$table") - 1))
wrong=$(grep -c 'WRONG:' "$table" || true)
echo "$kernels kernels, $wrong of them not as meant (widths in bytes), in ${SECONDS} s"
[[ ! -s $work/warnings ]] || { cat "$work/warnings" && exit 1; }
((kernels > 0 && wrong == 0))
