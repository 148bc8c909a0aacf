# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# How the scripts speak: one plain line a step, the last line of a log while a step takes long, the tail of a log when a
# step fails, one sentence when they give up.

# One line of progress.
say() { printf 'tilery: %s\n' "$*"; }

# The last sentence. Call it from the script itself: in a subshell it would end only that.
give_up() {
  printf 'tilery: %s\n' "$*" >&2
  exit 1
}

# Every so many seconds, one line: how long the step has taken, and what its log says last. Ends with the script. `read`
# waits on a pipe to which nobody writes: a `sleep` would outlive this process and hold the script's output open.
#   tell_progress LOG
tell_progress() {
  local log=$1 seconds=0 every=${TILERY_PROGRESS:-10} line never
  exec {never}<> <(:)
  while kill -0 $$ 2>/dev/null; do
    read -r -t 1 -u "$never" line || true
    seconds=$((seconds + 1))
    ((seconds % every == 0)) || continue
    line=$(tail -n 1 "$log" 2>/dev/null | tr '\r' '\n' | sed '/^ *$/d' | tail -n 1) # a terminal's lines, redrawn ones
    [[ -z $line ]] || printf 'tilery:   %d s: %.100s\n' "$seconds" "$line"
  done
}

# Runs a command with its output in a file; shows its progress, and the file's end if the command fails.
#   logged FILE COMMAND...
logged() {
  local log=$1 status=0 teller
  shift
  mkdir -p "$(dirname "$log")"
  : >"$log"
  tell_progress "$log" 2>/dev/null &
  teller=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  kill "$teller" 2>/dev/null || true
  wait "$teller" 2>/dev/null || true
  ((status == 0)) || { tail -n 25 "$log" | while IFS= read -r line; do printf '  | %s\n' "$line"; done; } >&2
  return "$status"
}

# Prints the last error in a log of apt-get, dpkg, pip or CMake: the last line that names a cause. Lines that only say
# that something failed count where there is no other.
#   last_error LOG
last_error() {
  local line cause='' failure='' last=''
  while IFS= read -r line; do
    line=${line%$'\r'} # a terminal's lines, redrawn ones
    line=${line##*$'\r'}
    [[ -z ${line// /} ]] || last=$line
    case $line in
      *'Some index files failed to download'* | *'Unable to fetch some archives'* | *'returned an error code'* | \
        *'Unable to locate package'* | *'has no installation candidate'* | *'Errors were encountered while'* | \
        *'No matching distribution found'* | *'Could not find a version that'* | *"Couldn't find any package by"*) failure=$line ;;
      'E: '* | 'W: Failed '* | 'Err:'* | *[Ee]rror* | *ERROR* | *'No space left'* | *[Ff]ailed* | sudo:*) cause=$line ;;
    esac
  done <"$1"
  line=${cause:-${failure:-$last}}
  for last in 'E: ' 'W: ' 'ERROR: ' 'WARNING: '; do line=${line#"$last"}; done
  printf '%.300s' "${line:-it said nothing}"
}

# A folder that the run writes to: made, or the end of the script, with the option or variable that names another.
#   need_writable FOLDER OPTION
need_writable() {
  local probe=$1/.tilery_probe
  { mkdir -p "$1" && : >"$probe" && rm -f "$probe"; } 2>/dev/null ||
    give_up "the folder $1 cannot be written; $2 names another"
}

# Prints the comment that opens a script after its licence line: its --help.
#   usage FILE
usage() {
  local line
  while IFS= read -r line; do
    case $line in
      '#!'* | '# SPDX'*) ;;
      '#') echo ;;
      '# '*) printf '%s\n' "${line#'# '}" ;;
      *) return 0 ;;
    esac
  done <"$1"
}
