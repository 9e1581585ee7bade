#!/usr/bin/env bash
# Install what LLMCoop needs on Debian 12 and build it into .venv. Safe to run again: it only does what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  clang-22 llvm-22 llvm-22-dev llvm-22-tools lld-22 libclang-rt-22-dev bolt-22 # the toolchain, and LLVM to link with
  libzstd-dev zlib1g-dev libxml2-dev                                           # what LLVM's libraries need
  g++ libc6-dev cmake ninja-build python3-dev python3-venv                     # the build
  bubblewrap binutils                                                          # the sandbox; as, for the level of assembly
  clang-format-22 csmith libcsmith-dev ccache                                  # for scripts/test.sh
)

stop() {
  printf 'setup: %s\n' "$@" >&2
  exit 4
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    stop "packages are missing, and there is no sudo; as root, run: apt-get install ${packages[*]}"
  fi
}

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

install_packages() {
  local missing=() unknown=() package
  for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return
  echo "setup: installing ${missing[*]}"
  as_root apt-get update -qq
  for package in "${missing[@]}"; do
    apt-cache show "$package" &>/dev/null || unknown+=("$package")
  done
  if [[ ${#unknown[@]} -gt 0 ]]; then
    stop "no package source has ${unknown[*]}" \
      "add the LLVM 22 repository, see https://apt.llvm.org, and run this again"
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The first Python that LLMCoop supports; PYTHON overrides.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 /usr/bin/python3 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
      2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  stop "no Python 3.11 to 3.13 with the venv module found; set PYTHON to one"
}

# Everything that an installation is made from: when it changes, install again.
source_state() {
  find pyproject.toml CMakeLists.txt LICENSE README.md cpp python -type f -not -path '*/__pycache__/*' -print0 |
    LC_ALL=C sort --zero-terminated | xargs --null sha256sum | sha256sum
}

install_llmcoop() {
  local python state
  if [[ ! -x .venv/bin/pip ]]; then
    python=$(find_python)
    echo "setup: making .venv with $("$python" --version)"
    "$python" -m venv .venv
    .venv/bin/pip install --quiet --upgrade 'pip>=25.1' # the first that knows --group
  fi
  state=$(source_state)
  [[ $(cat .venv/llmcoop.state 2>/dev/null) == "$state" ]] && return
  echo "setup: building and installing llmcoop"
  .venv/bin/pip install --quiet --group dev .
  echo "$state" >.venv/llmcoop.state
}

install_packages
install_llmcoop
