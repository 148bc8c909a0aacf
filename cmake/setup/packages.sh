# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2034,SC2154  # tilery_root and tilery_build come from cmake/setup.sh
#
# Packages of Debian and Ubuntu: looked for first, named all together, and installed by one command if any is missing.

packages_to_build="g++ cmake ninja-build"
packages_for_examples="libboost-context-dev zlib1g-dev libpng-dev libcli11-dev nlohmann-json3-dev gnuplot-nox"
packages_for_tests="libgtest-dev $packages_for_examples"
packages_for_benchmarks="libbenchmark-dev libdnnl-dev libopenblas-dev libboost-context-dev"
packages_for_clang="clang libomp-dev"
packages_for_wheels="python3-venv ca-certificates"

# Packages that the tests do without, saying so, where the system has none: the formatter in the one version that counts.
wanted_for_tests() {
  local VERSION_CODENAME=''
  # shellcheck source=/dev/null
  [[ ! -r /etc/os-release ]] || source /etc/os-release
  case $VERSION_CODENAME in
    bookworm | jammy | noble) echo clang-format-14 ;;
  esac
}

install_trouble= # why the last installation failed, in a few words

# A program counts wherever it comes from; everything else is asked of dpkg.
package_is_there() {
  local program status
  case $1 in
    g++ | cmake) program=$1 ;;
    ninja-build) program=ninja ;;
    gnuplot-nox) program=gnuplot ;;
    clang) program=clang++ ;;
    clang-format-14) program=clang-format-14 ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null && return ;;
    ca-certificates) [[ -s /etc/ssl/certs/ca-certificates.crt ]] && return ;;
  esac
  [[ -n ${program-} ]] && command -v "$program" >/dev/null && return
  status=$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) && [[ $status == installed ]]
}

# Prints those of the packages that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    package_is_there "$package" || printf '%s\n' "$package"
  done
}

is_root() { [[ $(id -u) == 0 ]]; }

# The command that a person would type.
install_command() {
  local root="sudo "
  ! is_root || root=
  printf '%sapt-get update && %sapt-get install -y %s' "$root" "$root" "$*"
}

# Whether packages can be installed, asked before the first attempt; else the reason is in install_trouble. Leaves in
# as_root what a command as root begins with. sudo's own prompt goes to the terminal, so it must be one that someone sees.
may_install() {
  as_root=()
  if ! command -v apt-get >/dev/null; then
    install_trouble="this system has no apt-get"
  elif is_root; then
    return 0
  elif ! command -v sudo >/dev/null; then
    install_trouble="this user is not root, and there is no sudo"
  elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
    return 0
  elif [[ -t 0 && -t 2 ]] && { : </dev/tty; } 2>/dev/null; then
    as_root=(sudo)
    return 0
  else
    install_trouble="this user is not root; sudo asks for a password, and there is no terminal to ask at"
  fi
  return 1
}

# install_packages "NEEDED" "WANTED": returns non-zero where a needed one cannot be had, with the reason in
# install_trouble.
install_packages() {
  local log=$tilery_build/setup/apt.log status=0 how="with apt-get"
  local -a as_root words
  install_trouble=
  may_install || return
  read -r -a words <<<"$1 $2"
  [[ ${as_root[*]} != sudo ]] || how+="; sudo asks for your password, once"
  say "missing: ${words[*]}; installing them $how"
  logged "$log" "${as_root[@]}" bash "$tilery_root/cmake/setup/apt.sh" "$1" "$2" 2>/dev/null || status=$?
  install_trouble="apt-get says: $(last_error "$log")"
  return "$status"
}

# All that a run needs, named and installed before anything else is done. Where that fails, ends the script with the
# sentence that helps.
#   prepare_machine CUDA NEEDED-PACKAGE... [wanting WANTED-PACKAGE...]
# CUDA is an argument of need_cuda, or none: the packages that fetch CUDA's wheels are needed where there is no toolkit.
prepare_machine() {
  local cuda=$1 needed wanted='' later='' word
  shift
  need_writable "$tilery_build" TILERY_BUILD
  local -a packages=()
  while (($# > 0)) && [[ $1 != wanting ]]; do packages+=("$1") && shift; done
  (($# == 0)) || { shift && wanted=$(missing_packages "$@" | tr '\n' ' '); }
  if [[ $cuda != none ]] && ! cuda_is_here "$cuda"; then
    for word in $packages_for_wheels; do packages+=("$word"); done
    later="; this script then fetches CUDA's ${cuda/nvcc/compiler}"
  fi
  needed=$(missing_packages "${packages[@]}" | tr '\n' ' ')
  needed=${needed% } wanted=${wanted% }
  [[ -n $needed$wanted ]] || return 0
  install_packages "$needed" "$wanted" || [[ -z $needed ]] ||
    give_up "missing: $needed ($install_trouble); install with: $(install_command "$needed")$later"
}
