# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154  # program_status and program_seconds come from run_program
#
# Runs a folder of GoogleTest programs and tells from their own lines what became of each. Bash and coreutils only.

# read_googletest LOG STATUS: sets result (passed, failed, timed out, skipped), count (tests run), note (why).
read_googletest() {
  local log=$1 status=$2 line open='' failed='' reason='' closing=no after_skip=no skipped=0 passed=0
  count=0 result=failed note=
  while IFS= read -r line; do
    line=${line%$'\r'}
    if [[ $after_skip == yes ]]; then reason=${reason:-$line} after_skip=no; fi
    case $line in
      '[ RUN      ] '*) open=${line#'[ RUN      ] '} ;;
      '[       OK ] '*) open= ;;
      '[  SKIPPED ] '*' test'*', listed below:') skipped=${line#'[  SKIPPED ] '} && skipped=${skipped%% *} ;;
      '[  SKIPPED ] '*) open= ;;
      '[  FAILED  ] '*' test'*', listed below:') ;;
      '[  FAILED  ] '*) open='' failed=${failed:-${line#'[  FAILED  ] '}} ;;
      '[  PASSED  ] '*) passed=${line#'[  PASSED  ] '} && passed=${passed%% *} ;;
      '[==========] '*' ran.'*) closing=yes count=${line#'[==========] '} && count=${count%% *} ;;
      *': Skipped') after_skip=yes ;;
    esac
  done <"$log"
  failed=${failed%% *} failed=${failed%,}

  if ((status == 124)); then
    result="timed out" note=${open:+in $open}
  elif ((status != 0)) && [[ $closing == no ]]; then
    note="$(why_ended "$status")${open:+ in $open}"
    [[ -n $open ]] || note+=$(last_line "$log")
  elif ((status != 0)); then
    note=${failed:-$(why_ended "$status")}
  elif [[ $closing == no ]]; then
    note="ended without GoogleTest's summary"
  elif ((count == 0)); then
    note="has no test"
  elif ((skipped > 0 && passed == 0)); then
    result=skipped note=$reason
  else
    result=passed
    ((skipped == 0)) || note="$skipped skipped: $reason"
  fi
}

last_line() {
  local line
  line=$(tail -n 1 "$1")
  [[ -z $line ]] || printf ': %s' "$line"
}

# run_googletests BIN LOGS SECONDS [REGEX]: a line for each suite as it ends, then the table. Fails if a suite did.
run_googletests() {
  local bin=$1 logs=$2 limit=$3 regex=${4-} name number=0 good=0 bad=0 skips=0 table
  local result count note
  local -a suites
  [[ -r $bin/suites.txt ]] || give_up "no GPU tests in ${bin#"$PWD/"}; build them with: tests/run.sh --gpu --build-only"
  mapfile -t suites < <(listed_suites "$bin" "$regex")
  ((${#suites[@]} > 0)) || give_up "none of the suites in ${bin#"$PWD/"}/suites.txt matches \"$regex\""
  mkdir -p "$logs"
  name=$(gpu_in_words)
  say "${#suites[@]} suites on ${name:-a machine that shows no GPU}"
  table=$'suite\tresult\tseconds\ttests\tnote\n'

  for name in "${suites[@]}"; do
    number=$((number + 1))
    LD_LIBRARY_PATH=$bin/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
      run_program "$limit" "$logs/$name.log" "$bin/$name" --gtest_color=no
    read_googletest "$logs/$name.log" "$program_status"
    printf '[%d/%d] %s: %s, %s s\n' "$number" "${#suites[@]}" "$name" "$result" "$program_seconds"
    case $result in
      passed) good=$((good + 1)) ;;
      skipped) skips=$((skips + 1)) ;;
      *) bad=$((bad + 1)) && tail -n 30 "$logs/$name.log" | while IFS= read -r line; do printf '  | %s\n' "$line"; done ;;
    esac
    table+="$name"$'\t'"$result"$'\t'"$program_seconds"$'\t'"$count"$'\t'"${note:- }"$'\n'
  done

  printf '\n'
  print_table <<<"${table%$'\n'}"
  printf '\n%d passed, %d failed, %d skipped\n' "$good" "$bad" "$skips"
  ((bad == 0))
}
