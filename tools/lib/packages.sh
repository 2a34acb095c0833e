# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by the scripts that source this file
# The one list of packages that Lamina needs, by their names in Debian 12, and
# how to install those that are missing. Sourced by tools/quickstart and tools/check.

# To build and run the `lamina` program.
readonly program_packages=(
    gcc                # C17 compiler
    g++                # its C++ half: meson checks the public headers with it
    meson              # build system
    ninja-build        # what meson drives
    pkg-config         # how meson finds libraries
    python3            # embeds the kernels at build time; tests and lints
    ocl-icd-opencl-dev # OpenCL loader
    opencl-headers     # OpenCL C API
    libclblast-dev     # CLBlast's matrix products
    librandom123-dev   # Philox random numbers
    libyaml-dev        # recipes
    libjansson-dev     # JSON: run records, --json
    libpng-dev         # pictures
    libsqlite3-dev     # studies
    gnuplot-nox        # draws the figures of lamina plot
    nettle-dev         # SHA-256: keys and checksums of kept programs
    pocl-opencl-icd    # an OpenCL device for every CPU
)

# To build and run all tests besides.
readonly test_packages=(
    check          # C test suites
    clang          # kernels without a device
    clang-format   # layout of the C sources
    libopenmpi-dev # searches over MPI; without it the program is built without --mpi
    oclgrind       # kernels under watch
    openmpi-bin    # mpirun
    python3-numpy  # saved models and gradients, computed once more by other means
    shellcheck     # shell scripts
)

# To download CIFAR-10.
readonly download_packages=(
    ca-certificates
    curl
)

# say MESSAGE..: on stderr, under the name of the script that sources this file.
say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# die STATUS MESSAGE..
die() {
    local status=$1
    shift
    say "$*"
    exit "$status"
}

is_installed() {
    local state
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) || return 1
    [[ $state == installed ]]
}

# run_as_root COMMAND..: through sudo for everybody but root.
run_as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo "$@"
    fi
}

# install_packages PACKAGE..: installs those that are missing, or says which and how.
install_packages() {
    local package missing=()
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "this is no Debian or Ubuntu, so nothing is installed; it takes the like of: $*"
        return
    fi
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)) && ! command -v sudo >/dev/null; then
        die 1 "packages are missing, and there is no sudo; run this as root:" \
            "apt-get install ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    # sudo passes no environment on, so env goes behind it.
    run_as_root env DEBIAN_FRONTEND=noninteractive apt-get update --quiet=2 >&2 ||
        die 1 "apt-get update failed; once it works, install: ${missing[*]}"
    run_as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes -o Dpkg::Use-Pty=0 \
        --no-install-recommends "${missing[@]}" >&2 ||
        die 1 "apt-get could not install: ${missing[*]}"
}
