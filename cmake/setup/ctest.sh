# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# CTest's output with two things put before its summary: which tests were skipped and why, and what each test costs, the
# seconds of compiling it, out of Ninja's log, and of running it, out of CTest's lines. Seconds are added up over
# processes, so that the sum exceeds the clock where several run at once.

# Prints the names of the tests that CTest would run: tests_in FOLDER CTEST-ARGUMENT...
tests_in() { ctest --test-dir "$@" -N | sed -n 's/^ *Test *#[0-9]*: //p'; }

# Prints what must be built for these tests: each word of their commands that Ninja makes, and, for a test NAME whose
# command is not its program, the target NAME_test. Commands are read where CMake writes them: CTest itself names none
# whose program is not built yet.
#   targets_of_tests FOLDER CTEST-ARGUMENT...
targets_of_tests() {
  local folder
  folder=$(cd "$1" && pwd)
  {
    ninja -C "$folder" -t targets all
    echo '--'
    tests_in "$@"
    echo '--'
    find "$folder" -name CTestTestfile.cmake -exec sed -n 's/^add_test(\[=*\[\(.*\)\]=*\] /\1 /p' {} +
  } | awk -v folder="$folder/" '
    function build(what) { if ((what in makes) && !seen[what]++) print what }
    $0 == "--" { ++part; next }
    part == 0  { sub(/: [^:]*$/, ""); makes[$0]; next }
    part == 1  { wanted[$0]; build($0 "_test"); next }
    $1 in wanted {
      count = split($0, word, "\"")
      for (i = 2; i <= count; i += 2) if (index(word[i], folder) == 1) build(substr(word[i], length(folder) + 1))
    }'
}

# Prints "target seconds" for what the last builds in FOLDER took, compiling and linking.
compile_seconds() {
  [[ -r $1/.ninja_log ]] || return 0
  awk -F '\t' '
    /^#/ { next }
    {
      target = $4
      if (!sub(/^.*CMakeFiles\//, "", target) || !sub(/\.dir\/.*/, "", target)) {
        if ($4 !~ /(^|\/)bin\/[^\/]+$/) next
        target = $4
        sub(/^.*\//, "", target)
      }
      took[target "\t" $4] = $2 - $1
    }
    END {
      for (key in took) { split(key, part, "\t"); sum[part[1]] += took[key] / 1000 }
      for (target in sum) printf "%s %.1f\n", target, sum[target]
    }' "$1/.ninja_log"
}

# Prints why tests were skipped: for each name, the first reason that GoogleTest gave in CTest's log.
print_skipped() {
  local log=$1/Testing/Temporary/LastTest.log name reason
  shift
  printf 'Skipped:\n'
  for name in "$@"; do
    reason=$(awk -v name="$name" '
      $2 == "Testing:" { mine = ($3 == name) }
      mine && after { print; exit }
      mine && /: Skipped\r?$/ { after = 1 }' "$log" 2>/dev/null) || true
    printf '  %s: %s\n' "$name" "${reason:-no reason given}"
  done
  printf '\n'
}

# Passes CTest's output on. Before its summary come the N most expensive tests and the reasons of those skipped.
#   summarize_ctest N FOLDER
summarize_ctest() {
  local most=$1 folder=$2 line ran='' summary=no
  local -a skipped=() held=()
  local pattern='^ *[0-9]+/[0-9]+ +Test +#[0-9]+: +([^ ]+) .* ([0-9.]+) sec'
  while IFS= read -r line; do
    [[ $line != *"% tests passed, "* ]] || summary=yes
    if [[ $summary == yes ]]; then
      held+=("$line")
      continue
    fi
    printf '%s\n' "$line"
    [[ $line =~ $pattern ]] || continue
    ran+="${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"$'\n'
    [[ $line != *'***Skipped'* ]] || skipped+=("${BASH_REMATCH[1]}")
  done
  ((most == 0)) || print_shares "$most" "$folder" "$ran"
  ((${#skipped[@]} == 0)) || print_skipped "$folder" "${skipped[@]}"
  ((${#held[@]} == 0)) || printf '%s\n' "${held[@]}"
}

print_shares() {
  local most=$1 folder=$2 ran=$3
  printf 'The %d tests that took most seconds:\n' "$most"
  {
    compile_seconds "$folder" | sed 's/^/compile /'
    printf '%s' "$ran" | sed 's/^/run /'
  } | awk '
    { if ($1 == "compile") compile[$2] += $3; else run[$2] += $3; all[$2] += $3; total += $3 }
    END {
      for (name in all)
        printf "%s\t%.1f\t%s\t%s\t%.0f %%\n", name, all[name], (name in compile) ? sprintf("%.1f", compile[name]) : "-",
          (name in run) ? sprintf("%.1f", run[name]) : "-", (total > 0) ? 100 * all[name] / total : 0
    }' | sort -t $'\t' -k 2nr | awk -v most="$most" 'NR <= most' | cat <(printf 'test\tseconds\tcompiling\trunning\tshare\n') - | print_table
  printf '\n'
}
