# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# CTest's output with some things put before its summary: what the tests cost, each family of them and the most expensive
# ones, and which were skipped and why. The seconds of compiling come from Ninja's log, those of running from CTest's
# lines, the families from families.txt, which CMake writes (tests/families.cmake). Seconds are added up over
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

# Passes CTest's output on. Before its summary come the N most expensive tests, the families and the reasons of those
# skipped.
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
  print_families "$folder" "$ran"
  ((${#skipped[@]} == 0)) || print_skipped "$folder" "${skipped[@]}"
  ((${#held[@]} == 0)) || printf '%s\n' "${held[@]}"
}

# Prints "compile NAME SECONDS" and "run NAME SECONDS" lines: all_seconds FOLDER RAN
all_seconds() {
  compile_seconds "$1" | sed 's/^/compile /'
  printf '%s' "$2" | sed 's/^/run /'
}

# The seconds of each family, the largest first. Targets that CMake no longer knows are left out.
print_families() {
  local folder=$1 ran=$2
  [[ -r $folder/families.txt ]] || return 0
  printf 'Seconds by family:\n'
  all_seconds "$folder" "$ran" | awk -v families="$folder/families.txt" '
    BEGIN {
      while ((getline line < families) > 0) {
        split(line, part, "\t")
        of[part[1]] = part[2]
        sum[part[2]] = 0
      }
    }
    $2 in of {
      if ($1 == "compile") compile[of[$2]] += $3; else run[of[$2]] += $3
      sum[of[$2]] += $3
      total += $3
    }
    END {
      for (family in sum)
        printf "%s\t%.1f\t%.1f\t%.1f\t%.0f %%\n", family, sum[family], compile[family], run[family],
          (total > 0) ? 100 * sum[family] / total : 0
    }' | sort -t $'\t' -k 2nr | cat <(printf 'family\tseconds\tcompiling\trunning\tshare\n') - | print_table
  printf '\n'
}

print_shares() {
  local most=$1 folder=$2 ran=$3
  printf 'The %d tests that took most seconds:\n' "$most"
  all_seconds "$folder" "$ran" | awk '
    { if ($1 == "compile") compile[$2] += $3; else run[$2] += $3; all[$2] += $3; total += $3 }
    END {
      for (name in all)
        printf "%s\t%.1f\t%s\t%s\t%.0f %%\n", name, all[name], (name in compile) ? sprintf("%.1f", compile[name]) : "-",
          (name in run) ? sprintf("%.1f", run[name]) : "-", (total > 0) ? 100 * all[name] / total : 0
    }' | sort -t $'\t' -k 2nr | awk -v most="$most" 'NR <= most' | cat <(printf 'test\tseconds\tcompiling\trunning\tshare\n') - | print_table
  printf '\n'
}
