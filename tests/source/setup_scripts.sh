#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The scripts of the README on a machine that has nothing: what they name, what they ask, how they end. The machine is a
# PATH with fakes of dpkg-query, apt-get, sudo, id and CMake, and without compilers; nothing is installed.
#   setup_scripts.sh FOLDER
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkdir -p "$1"
work=$(cd "$1" && pwd)
rm -rf "${work:?}"/*
bin=$work/bin
mkdir "$bin" "$work/home"
export FAKE=$work TILERY_BUILD=$work/build LC_ALL=C
unset CUDA_HOME TILERY_JOBS

# All programs of this machine but those that a bare one lacks, and the fakes.
for folder in /usr/bin /bin /usr/sbin /sbin; do
  programs=()
  for program in "$folder"/*; do
    case ${program##*/} in
      g++* | clang* | cmake* | ninja* | gnuplot* | nvcc* | python3* | nvidia-smi | sudo | dpkg-query | apt-get | id) ;;
      *) [[ -e $bin/${program##*/} ]] || programs+=("$program") ;;
    esac
  done
  ((${#programs[@]} == 0)) || ln -s -t "$bin" "${programs[@]}"
done
fake() { cat >"$bin/$1" && chmod +x "$bin/$1"; }
fake id <<<$'#!/bin/bash\ncat "$FAKE/user"'
fake dpkg-query <<<$'#!/bin/bash\ngrep -qx -- "${*: -1}" "$FAKE/installed" && printf installed'
fake sudo <<'FAKE_SUDO'
#!/bin/bash
echo "sudo $*" >>"$FAKE/calls"
if [[ $1 == -n ]]; then echo "sudo: a password is required" >&2 && exit 1; fi
printf '[sudo] password: ' >/dev/tty
read -r -s word </dev/tty
[[ $word == secret ]] || { echo "sudo: 1 incorrect password attempt" >&2 && exit 1; }
"$@"
FAKE_SUDO
fake apt-get <<'FAKE_APT'
#!/bin/bash
echo "apt-get $*" >>"$FAKE/calls"
cat "$FAKE/apt_says"
sleep "$(cat "$FAKE/apt_takes")"
[[ ! -s $FAKE/apt_says ]] || exit 100
while [[ $1 == -* ]]; do [[ $1 != -o ]] || shift; shift; done
[[ $1 == install ]] || exit 0
shift
for package in "$@"; do
  echo "Unpacking $package"
  [[ $package != "$(cat "$FAKE/unknown")" ]] || { echo "E: Unable to locate package $package" && exit 100; }
  echo "$package" >>"$FAKE/installed"
  case $package in
    g++ | cmake | gnuplot-nox | ninja-build)
      name=${package%-*}
      printf '#!/bin/bash\necho "a fake says no"\nexit 1\n' >"$FAKE/bin/$name"
      chmod +x "$FAKE/bin/$name"
      ;;
  esac
done
FAKE_APT

# CUDA's headers, as far as the scripts look.
cuda=$work/cuda
mkdir -p "$cuda/include/cub"
echo '#define CUDART_VERSION 13000' >"$cuda/include/cuda_runtime_api.h"

# bare_machine UID: as it was before.
bare_machine() {
  echo "$1" >"$work/user"
  rm -rf "$work/build" "$bin/g++" "$bin/cmake" "$bin/gnuplot" "$bin/ninja"
  for file in calls installed apt_says unknown; do : >"$work/$file"; done
  echo 0 >"$work/apt_takes"
}

failures=0
fail() {
  echo "FAILED: $*"
  sed 's/^/  | /' "$work/said"
  failures=$((failures + 1))
}
# Runs a script of the repository; its output is in $work/said, its status in status.
run() {
  status=0
  (cd "$work" && PATH=$bin TILERY_CUDA_SEARCH=$cuda "$root/$1" "${@:2}") >"$work/said" 2>&1 </dev/null || status=$?
}
# The same at a terminal, at which someone types a line.
run_at_terminal() {
  status=0
  (cd "$work" && { sleep 1 && echo "$1" && sleep 3; } | PATH=$bin TILERY_CUDA_SEARCH=$cuda \
    script -qec "'$root/$2'" /dev/null) >"$work/said" 2>&1 || status=$?
}
says() { grep -qF -- "$1" "$work/said" || fail "the script must say: $1"; }
says_not() { ! grep -qF -- "$1" "$work/said" || fail "the script must not say: $1"; }
called() { [[ $(grep -c -- "$1" "$work/calls") == "$2" ]] || fail "$1 must be called $2 times: $(cat "$work/calls")"; }
one_sentence() { [[ $status == 1 && $(wc -l <"$work/said") == 1 ]] || fail "$1 must end with status 1 and one line"; }

all="g++ cmake ninja-build libboost-context-dev zlib1g-dev libpng-dev libcli11-dev nlohmann-json3-dev gnuplot-nox"

# A user whose sudo asks: one password, for everything; then the build begins.
bare_machine 1000
run_at_terminal secret examples/quickstart.sh
says "missing: $all dataset-fashion-mnist; installing them with apt-get; sudo asks for your password, once"
called 'sudo bash' 1
called 'apt-get .*update' 1
says 'CMake could not configure'
says 'a fake says no'
# A wrong password is quoted.
bare_machine 1000
run_at_terminal wrong examples/quickstart.sh
says "missing: $all (apt-get says: sudo: 1 incorrect password attempt); install with: sudo apt-get update"
# Nobody can type a password.
bare_machine 1000
run examples/quickstart.sh
one_sentence "quickstart.sh without a terminal"
says "missing: $all (this user is not root; sudo asks for a password, and there is no terminal to ask at); install with: sudo apt-get update && sudo apt-get install -y $all"
called apt-get 0
# No sudo.
mv "$bin/sudo" "$work/sudo"
run examples/quickstart.sh
one_sentence "quickstart.sh without sudo"
says "this user is not root, and there is no sudo"
mv "$work/sudo" "$bin/sudo"

# root: the tests name what they need, with what CUDA's wheels need, at once.
bare_machine 0
run tests/run.sh
says "missing: g++ cmake ninja-build libgtest-dev libboost-context-dev zlib1g-dev libpng-dev libcli11-dev nlohmann-json3-dev gnuplot-nox"
says "python3-venv"
called sudo 0
# What apt-get cannot do is quoted, not guessed.
for trouble in "Certificate verification failed: The certificate is NOT trusted." "You don't have enough free space in /var/cache/apt/archives/." \
  "Failed to fetch http://deb.debian.org/debian/InRelease  Temporary failure resolving 'deb.debian.org'"; do
  bare_machine 0
  printf 'Reading package lists...\r\nE: %s\r\nE: Some index files failed to download. They have been ignored, or old ones used instead.\n' "$trouble" >"$work/apt_says"
  run examples/quickstart.sh
  [[ $status == 1 ]] || fail "quickstart.sh must end with status 1"
  says "missing: $all (apt-get says: $trouble); install with: apt-get update && apt-get install -y $all"
  says_not "no network?"
done
# Images that cannot be had are no reason to end.
bare_machine 0
echo dataset-fashion-mnist >"$work/unknown"
run examples/quickstart.sh
says "no Fashion-MNIST (apt-get says: Unable to locate package dataset-fashion-mnist): training on the digits"
says 'CMake could not configure'
# A long step tells what it does.
bare_machine 0
echo 2.5 >"$work/apt_takes"
printf 'Get:1 something large\r\n' >"$work/apt_says"
export TILERY_PROGRESS=1
run examples/quickstart.sh
unset TILERY_PROGRESS
says "tilery:   1 s: Get:1 something large"

# What is wrong with a call is said before anything is installed or built.
bare_machine 0
while read -r sentence && read -r -a call; do
  run "${call[@]}"
  one_sentence "${call[*]}"
  says "$sentence"
done <<'CALLS'
--epoch is no option of examples/quickstart.sh
examples/quickstart.sh --epoch 3
--epochs 0 must be at least 1
examples/quickstart.sh --epochs=0
--epochs many is no whole number
examples/quickstart.sh --epochs many
--epochs needs a value
examples/quickstart.sh --epochs
--flip 1: it must be auto, yes or no
examples/quickstart.sh --flip 1
--decay much is no number from 0 on
examples/quickstart.sh --decay=much
--executor gpu: it must be auto, cuda, cpu or virtual
examples/quickstart.sh --executor gpu
--data /nowhere: there is no such folder that can be read
examples/quickstart.sh --data /nowhere
the folder /proc/nowhere cannot be written; --output names another
examples/quickstart.sh --output /proc/nowhere
--compiler icpx was asked for, but there is no such program
tests/run.sh --compiler icpx
--arch sm_90 is no GPU architecture; 90a is one
tests/run.sh --gpu --arch sm_90
--filter ( is no regular expression
tests/run.sh --filter (
--arch sm_90 is no GPU architecture; 90a is one
benchmarks/run.sh --arch sm_90
there is no benchmark gemm; there are: bias_gradient conv_cpu conv_depthwise elementwise gemm_cpu gemm_cpu_threads optimizer pool softmax virtual_gpu
benchmarks/run.sh gemm
the folder /proc/nowhere cannot be written; --results names another
benchmarks/run.sh --results /proc/nowhere gemm_cpu
it is: examples/learn.sh gemm N, with N from 1 to 6
examples/learn.sh gemm 9
--sizes is no option of a lesson
examples/learn.sh softmax 1 --sizes 3 3
CALLS
TILERY_BUILD=/proc/nowhere run examples/learn.sh gemm 1
one_sentence "a build folder that cannot be written"
says "the folder /proc/nowhere cannot be written; TILERY_BUILD names another"
if [[ ! -e /dev/nvidiactl && ! -e /dev/dxg ]]; then
  run examples/quickstart.sh --executor cuda
  one_sentence "--executor cuda without a device"
  says "--executor cuda: no GPU is visible here"
fi
for script in examples/quickstart.sh examples/learn.sh tests/run.sh benchmarks/run.sh benchmarks/compile.sh; do
  run "$script" --help
  [[ $status == 0 ]] || fail "$script --help must end with status 0"
done
[[ ! -s $work/calls ]] || fail "nothing may be installed: $(cat "$work/calls")"

# The quickstart's help has the program's options.
run examples/quickstart.sh --help
while read -r option; do says "$option "; done \
  < <(sed -n 's/.*app\.add_\(option\|flag\)("\(--[a-z-]*\)".*/\2/p' "$root/examples/training/options.cpp")

((failures == 0)) && echo "the scripts say what they should on a bare machine"
