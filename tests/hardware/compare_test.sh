#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# compare.sh from end to end, without a GPU: scripts that print the samples, some of them changed, stand in for NVIDIA's
# tools.
#
#   compare_test.sh HARDWARE_JOIN VIRTUAL_GPU.json WORK_FOLDER

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
join=$1 findings=$2 work=$3
rm -rf "${work:?}"
mkdir -p "$work"/{programs,tools,bare}
cp "$join" "$findings" "$work/programs"
wrong=0

complain() {
  printf 'compare_test.sh: %s\n' "$*" >&2
  wrong=1
}
# script FILE: a program of the lines on standard input.
script() {
  { printf '#!/usr/bin/env bash\nsamples=%q\n' "$here/samples" && cat; } >"$1"
  chmod +x "$1"
}
# compare PATH_AHEAD [ARGUMENT...]: leaves status and output.
compare() {
  local ahead=$1
  shift
  status=0
  output=$(PATH=$ahead:/usr/bin:/bin CUDA_HOME=$work/bare bash "$here/compare.sh" --programs "$work/programs" \
    --logs "$work/logs" --result "$work/result.json" --timeout 1 "$@" 2>&1) || status=$?
}
# row CELL...: whether the output has a row of these cells.
row() {
  local IFS=$'\t' line
  while IFS= read -r line; do
    [[ $(sed -e 's/^  *//' -e 's/   */\t/g' <<<"$line") != "$*" ]] || return 0
  done <<<"$output"
  complain "there is no row: $*"
}
says() { [[ $output == *"$1"* ]] || complain "it does not say: $1"; }
skipped() {
  compare "$1"
  ((status == 77)) || complain "status $status instead of 77"
  says "$2"
  [[ $(wc -l <<<"$output") == 1 ]] || complain "more than a sentence: $output"
}

# What is missing is said. The machine of this test may have a GPU and the tools: the first stand-in hides them.
script "$work/bare/nvidia-smi" <<<'exit 1'
skipped "$work/bare" 'there is no GPU here'
script "$work/tools/nvidia-smi" <<<'echo "NVIDIA Imagined 100 80GB, 999.99"'
skipped "$work/tools" 'there is no hardware_planted in'
for program in planted patterns requests ops; do script "$work/programs/hardware_$program" <<<'exit 1'; done
if [[ -z $(PATH=/usr/bin:/bin type -P compute-sanitizer ncu) ]] &&
  ! compgen -G '/opt/nvidia/nsight-compute/*/ncu' >/dev/null; then
  skipped "$work/tools" 'neither compute-sanitizer nor ncu is here'
fi

script "$work/tools/compute-sanitizer" <<'END'
case $1 in
  --version) echo 'Compute Sanitizer version 2025.3.1' && exit ;;
  --help) printf '%s\n' '  --initcheck-address-space arg' '  --port arg (=49152)' && exit ;;
esac
[[ $1 == --tool ]] || exit 2
tool=$2
shift 2
if [[ $tool == initcheck ]]; then
  [[ "$1 $2" == '--initcheck-address-space all' ]] || exit 2
  shift 2
fi
[[ $1 == --port && $2 == 49?52 ]] || exit 2
shift 2
kernel=$2${3:+.$3}
[[ $kernel.$tool != relaxed_flag.synccheck ]] || sleep 5
for log in {,from_the_manual/}"$kernel.$tool" "clean.$tool" clean; do
  [[ ! -r $samples/$log.log ]] || { cat "$samples/$log.log" && exit; }
done
END
script "$work/tools/ncu" <<'END'
[[ $1 != --version ]] || { echo 'Version 2025.3.1.0 (build 0)' && exit; }
program=${!#} && program=${program##*_}
while (($# > 1)); do
  [[ $1 != --log-file ]] || log=$2
  shift
done
# One pass too many, and a counter that was not measured.
sed -e '/^"24".*_wavefronts_mem_shared_op_ld.sum/s/"2"$/"3"/' -e '/^"25".*inst_executed_op_shared_st.sum/s/"1"$/"n\/a"/' \
  "$samples/$program.csv" >"$log"
cat "$samples/$program.txt"
END

compare "$work/tools"
((status == 0)) || complain "status $status: $output"
row kernel 'virtual GPU' memcheck racecheck initcheck synccheck 'found by' twin
row no_barrier race clean 1 clean clean both clean
row no_sync_warp race clean 1 clean clean both 'racecheck 2'
row refilled_too_early race clean 2 clean clean both clean
row reads_behind_the_end 'out of bounds' 4 clean clean clean both clean
row writes_behind_the_end 'out of bounds' 104 clean clean clean both clean
row misaligned_load misaligned 64 'program failed' clean clean both clean
row uninitialised_global 'uninitialised read' clean clean 64 clean both clean
row leaves_before_a_barrier 'barrier misuse' clean clean clean 1 both clean
row no_wait_for_a_copy 'missing wait' clean 1 clean clean both clean
row relaxed_flag race clean clean clean 'out of time' 'the virtual GPU' clean
row 'global load, 4 bytes, stride 1' sectors 4 4 alike
row 'global load, 4 bytes, stride 32' sectors 32 32 alike
row 'shared load, 16 bytes, broadcast' wavefronts 2 3 DIFFERS
row 'shared store, 4 bytes, stride 1' wavefronts 1 'not compared'
row 'shared store, 4 bytes, stride 2' wavefronts 2 'not compared'
row 'shared store,2 bytes' 1 1
row 'SIMT GEMM f32, 256 x 256 x 64, NN' 'global load: requests, sectors' '512, 8192' '512, 8192' alike
row 'SIMT GEMM f32, 256 x 256 x 64, NN' 'shared load: requests, wavefronts' '8320, 24960' '8192, 24576' DIFFERS
row 'softmax f32, 8 x 4096' 'shared load: requests, wavefronts' '1024, 1024' '256, 512' DIFFERS
row 'adam f32, 4096' 'global load: requests, sectors' '128, 2048' 'not compared'
says '12 faults compared: the virtual GPU finds 12, the tools find 9, both find 9; reports on 1 of 12 twins'
says '3 patterns compared: 2 alike'
says '3 requests compared: 3 alike'
says '8 counts of ops compared: 5 alike'
for text in '"gpu": "NVIDIA Imagined 100 80GB"' '"driver": "999.99"' '"compute_sanitizer": "2025.3.1"' \
  '"ncu": "2025.3.1.0"' '"first": "Invalid __global__ read of size 4 bytes"' '"found_by_both": 9'; do
  grep -qF "$text" "$work/result.json" || complain "result.json has no $text"
done
[[ $(wc -l <"$work/result_requests.csv") == 3 ]] || complain "result_requests.csv does not have the 3 requests"

# Half a comparison.
rm "$work/tools/compute-sanitizer"
script "$work/tools/ncu" <<'END'
echo '==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters'
exit 1
END
if [[ -z $(PATH=/usr/bin:/bin type -P compute-sanitizer) ]]; then
  compare "$work/tools"
  ((status == 0)) || complain "status $status: $output"
  says 'there is no compute-sanitizer here: faults are not compared'
  says 'may not read the GPU'
  says '0 faults compared'
  says '0 patterns compared'
fi

# Launches and patterns that do not pair up are not joined.
script "$work/tools/ncu" <<'END'
while (($# > 1)); do
  [[ $1 != --log-file ]] || cp "$samples/patterns.csv" "$2"
  shift
done
head -n 3 "$samples/patterns.txt"
END
script "$work/tools/compute-sanitizer" <<'END'
cat "$samples/clean.log"
END
compare "$work/tools"
((status == 1)) || complain "status $status instead of 1 where a launch has no pattern"
says 'ncu measured 4 launches, but 3 of the patterns were launched'

((wrong == 0)) && echo 'compare.sh is right about the samples'
exit "$wrong"
