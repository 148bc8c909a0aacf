# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# How the scripts speak: one plain line a step, the tail of a log when a step fails, one sentence when they give up.

# One line of progress.
say() { printf 'tilery: %s\n' "$*"; }

# The last sentence. Call it from the script itself: in a subshell it would end only that.
give_up() {
  printf 'tilery: %s\n' "$*" >&2
  exit 1
}

# Runs a command with its output in a file, and shows the file's end if the command fails.
#   logged FILE COMMAND...
logged() {
  local log=$1 status=0
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  ((status == 0)) || { tail -n 25 "$log" | while IFS= read -r line; do printf '  | %s\n' "$line"; done; } >&2
  return "$status"
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
