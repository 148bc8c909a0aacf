# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# What every script of this repository starts from. Sourcing it does nothing but define functions. A script checks its
# options, then states all that it needs (`prepare_machine`, then `need_cuda`): what is missing is named and installed, or
# one sentence says what is missing and which command installs it. Nothing is asked of the network when everything is
# there.
#
#   TILERY_BUILD         the build folder (default: build/ in the repository)
#   TILERY_JOBS          how many compilers and tests run at once (default: as many as cores and memory allow)
#   TILERY_PROGRESS      seconds between two lines that tell what a long step does (default: 10)
#   TILERY_CUDA_SEARCH   where a CUDA toolkit is looked for besides PATH and CUDA_HOME (default: /usr/local/cuda)

tilery_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tilery_build=${TILERY_BUILD:-$tilery_root/build}

# shellcheck source-path=SCRIPTDIR
source "$tilery_root/cmake/setup/say.sh"
# shellcheck source-path=SCRIPTDIR
source "$tilery_root/cmake/setup/packages.sh"
# shellcheck source-path=SCRIPTDIR
source "$tilery_root/cmake/setup/cuda.sh"
# shellcheck source-path=SCRIPTDIR
source "$tilery_root/cmake/setup/build.sh"
# shellcheck source-path=SCRIPTDIR
source "$tilery_root/cmake/setup/portable.sh"
# shellcheck source-path=SCRIPTDIR
source "$tilery_root/cmake/setup/suites.sh"

[[ ${TILERY_JOBS-1} =~ ^[1-9][0-9]*$ ]] || give_up "TILERY_JOBS is $TILERY_JOBS; it must be a whole number"
[[ ${TILERY_PROGRESS-1} =~ ^[1-9][0-9]*$ ]] || give_up "TILERY_PROGRESS is $TILERY_PROGRESS; it must be a whole number"
