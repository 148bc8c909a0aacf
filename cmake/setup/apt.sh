#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The only part of the set-up that runs as root: one command, so that sudo asks for its password once.
#
#   apt.sh "NEEDED PACKAGES" "WANTED PACKAGES"
#
# The status is 1 where a needed package could not be installed. Wanted ones come last and may fail.

set -uo pipefail

read -r -a needed <<<"$1"
read -r -a wanted <<<"$2"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt=(apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 -o Acquire::http::Timeout=30)

"${apt[@]}" -o APT::Update::Error-Mode=any update # old lists may do
((${#needed[@]} == 0)) || "${apt[@]}" --no-install-recommends install "${needed[@]}" || exit 1
((${#wanted[@]} == 0)) || "${apt[@]}" --no-install-recommends install "${wanted[@]}"
exit 0
