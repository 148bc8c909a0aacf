# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2034,SC2154  # tilery_root and tilery_build come from cmake/setup.sh
#
# Packages of Debian and Ubuntu: looked for first, installed only if missing, the lists fetched at most once a run.

packages_to_build="g++ cmake ninja-build"
packages_for_examples="libboost-context-dev zlib1g-dev libcli11-dev nlohmann-json3-dev gnuplot-nox"
packages_for_tests="libgtest-dev $packages_for_examples"
packages_for_benchmarks="libbenchmark-dev libdnnl-dev libopenblas-dev libboost-context-dev"
packages_for_clang="clang libomp-dev"

apt_lists_fetched=no
install_trouble= # why the last installation failed, in a few words

# A program counts wherever it comes from; everything else is asked of dpkg.
package_is_there() {
  local program status
  case $1 in
    g++ | cmake) program=$1 ;;
    ninja-build) program=ninja ;;
    gnuplot-nox) program=gnuplot ;;
    clang) program=clang++ ;;
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

# The command that a person would type.
install_command() {
  local root="sudo "
  ((EUID != 0)) || root=
  printf '%sapt-get update && %sapt-get install -y %s' "$root" "$root" "$*"
}

# Runs a command as root, with a password prompt only where someone can answer it.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif [[ -t 0 && -t 2 ]]; then
    sudo -v && sudo -n "$@"
  else
    sudo -n "$@"
  fi
}

may_install() {
  ((EUID == 0)) && return
  command -v sudo >/dev/null || return
  [[ -t 0 && -t 2 ]] || sudo -n true 2>/dev/null
}

apt_quietly() {
  logged "$tilery_build/setup/apt.log" as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@" 2>/dev/null
}

# Installs packages, or returns non-zero with the reason in install_trouble.
install_packages() {
  local online=yes
  install_trouble=
  command -v apt-get >/dev/null || { install_trouble="this system has no apt-get" && return 1; }
  may_install || { install_trouble="this user is not root and cannot use sudo" && return 1; }
  if [[ $apt_lists_fetched == no ]]; then
    say "fetching the package lists"
    apt_quietly -o APT::Update::Error-Mode=any update || online=no
    apt_lists_fetched=yes
  fi
  say "installing $*"
  apt_quietly --no-install-recommends install "$@" && return
  if [[ $online == no ]]; then
    install_trouble="the package lists could not be fetched: no network?"
  else
    install_trouble=$(grep -m 1 '^E: ' "$tilery_build/setup/apt.log" || echo "apt-get failed")
    install_trouble=${install_trouble#E: }
  fi
  return 1
}

# Installs what is missing of the packages; where that fails, ends the script with the sentence that helps.
need_packages() {
  local -a missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} == 0)) && return
  install_packages "${missing[@]}" ||
    give_up "missing: ${missing[*]} ($install_trouble); install with: $(install_command "${missing[@]}")"
}

# The same for packages that one can do without: returns non-zero where they cannot be had.
want_packages() {
  local -a missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
}
