# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Makes a folder of programs that can be taken to a machine with a GPU and nothing else: stripped, with the shared
# libraries that they need beyond the C library in bin/lib, small enough to send, and with a list that puts the smallest
# first (suites.txt: a name and a size a line).

portable_limit=$((50 * 1024 * 1024))

# programs_in BIN: prints the programs' names.
programs_in() {
  local file
  for file in "$1"/*; do
    [[ -f $file && -x $file && $file != *.so* ]] && printf '%s\n' "${file##*/}"
  done
  return 0
}

# libraries_of PROGRAM: prints the paths of those that a bare machine may lack, and "missing NAME" for one not found.
libraries_of() {
  local name arrow path
  while read -r name arrow path _; do
    case $name in
      linux-vdso* | */ld-linux* | libc.so* | libm.so* | libdl.so* | librt.so* | libpthread.so* | libcuda.so*) ;;
      *) [[ $arrow != '=>' ]] || if [[ $path == /* ]]; then echo "$path"; else echo "missing $name"; fi ;;
    esac
  done < <(ldd "$1" 2>/dev/null)
}

megabytes() { printf '%d.%d MiB' $(($1 / 1048576)) $(($1 % 1048576 * 10 / 1048576)); }

# make_portable BIN
make_portable() {
  local bin=$1 name path total=0 size
  local -a programs
  mapfile -t programs < <(programs_in "$bin")
  ((${#programs[@]} > 0)) || give_up "no program was built into ${bin#"$PWD/"}"
  rm -rf "${bin:?}/lib"
  mkdir -p "$bin/lib"
  for name in "${programs[@]}"; do
    strip "$bin/$name"
    while IFS= read -r path; do
      [[ $path != missing* ]] || give_up "$name needs the library ${path#missing }, which is not on this machine"
      [[ -e $bin/lib/${path##*/} ]] || { cp -L "$path" "$bin/lib/" && strip --strip-unneeded "$bin/lib/${path##*/}"; }
    done < <(libraries_of "$bin/$name")
  done
  stat -c '%n %s' "${programs[@]/#/$bin/}" | sed 's|.*/||' | sort -k 2n >"$bin/suites.txt"
  while read -r size; do total=$((total + size)); done < <(find "$bin" -type f -printf '%s\n')

  say "${#programs[@]} programs and their libraries, $(megabytes $total); the largest:"
  sort -k 2nr "$bin/suites.txt" | awk 'NR <= 5' | while read -r name size; do
    printf '  %-40s %12s\n' "$name" "$(megabytes "$size")"
  done
  ((total < portable_limit)) ||
    give_up "the programs in ${bin#"$PWD/"} total $(megabytes $total), which must stay under $(megabytes $portable_limit)"
}
