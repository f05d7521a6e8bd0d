#!/usr/bin/env bash
# `npm run setup [-- --dry-run]`: what the tests need and this machine lacks, on Debian and Ubuntu: packages, wasmtime,
# wac, componentize-py, the sources of wasm3 and of C programs, servers and npm packages that the stack is tried with.
# CI calls it, too.
# With --dry-run it prints the commands and runs none.
set -euo pipefail
cd "$(dirname "$0")/.."

WASMTIME_VERSION=48.0.8
WAC_VERSION=0.10.1
COMPONENTIZE_VERSION=0.25.1
CACHE="${STINT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/stint}"
WASMTIME="$CACHE/wasmtime-$WASMTIME_VERSION" WAC="$CACHE/wac-$WAC_VERSION"
COMPONENTIZE="$CACHE/componentize-py-$COMPONENTIZE_VERSION" WASM3="$CACHE/wasm3-0.5.0"
SERVERS="$CACHE/servers-2" C_PROGRAMS="$CACHE/c-programs-1" MBEDTLS="$CACHE/mbedtls-3.6.6" OTHERS=tests/interop/programs
PACKAGES="$CACHE/programs"
PROGRAMS="$WASMTIME/bin:$WAC/bin:$COMPONENTIZE/bin:$SERVERS/bin"
# What was put there before counts.
export PATH="$PATH:$PROGRAMS"

dry=false
for argument in "$@"; do
  case "$argument" in
    --dry-run) dry=true ;;
    # For CI: where programs are that it installed.
    --path) echo "$PROGRAMS"; exit 0 ;;
    *) echo "setup: there is no option $argument; there is --dry-run" >&2; exit 2 ;;
  esac
done
work=false
run() {
  work=true
  echo "$*"
  $dry || "$@"
}
has() { command -v "$1" >/dev/null 2>&1; }

packages=()
need() { has "$1" || packages+=("$2"); }
need socat socat; need curl curl; need xz xz-utils; need nc netcat-openbsd; need tshark tshark
need passt passt; need ip iproute2; need ping iputils-ping
need dnsmasq dnsmasq-base; need nft nftables; need hping3 hping3; need sysctl procps; need pgrep procps
need chromium chromium; need clang clang; need wasm-ld lld; need wast2json wabt; need gcc gcc
need arm-none-eabi-gcc gcc-arm-none-eabi; need qemu-system-arm qemu-system-arm
need qemu-system-riscv32 qemu-system-misc; need riscv64-unknown-elf-gcc gcc-riscv64-unknown-elf
[ -e /usr/lib/arm-none-eabi/newlib/nano.specs ] || [ -e /usr/lib/arm-none-eabi/lib/nano.specs ] ||
  packages+=(libnewlib-arm-none-eabi)
python3 -c "import ensurepip" >/dev/null 2>&1 || packages+=(python3 python3-venv)
[ -e /usr/include/wasm32-wasi ] || packages+=(wasi-libc libclang-rt-dev-wasm32)
[ -e /usr/lib/picolibc/riscv64-unknown-elf ] || packages+=(picolibc-riscv64-unknown-elf)
compgen -G "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a" >/dev/null || packages+=(libclang-rt-dev)
[ -e /usr/include/lwip/lwip/tcp.h ] || packages+=(liblwip-dev); need pkg-config pkg-config
[ -e /usr/include/stdlib.h ] || packages+=(libc6-dev)
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || packages+=(debian-archive-keyring); need bzip2 bzip2
need valgrind valgrind; need cmake cmake; need make make; need g++ g++
need setpriv util-linux; need openssl openssl; need ssh-keygen openssh-client; need clang-format clang-format
if [ ${#packages[@]} -gt 0 ] || [ ! -e "$SERVERS" ]; then
  if ! has apt-get; then
    echo "setup: there is no apt-get here; what is missing is named as Debian does: ${packages[*]-}" >&2
    exit 1
  fi
  sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  run ${sudo[@]+"${sudo[@]}"} apt-get update -qq
  [ ${#packages[@]} -eq 0 ] || run ${sudo[@]+"${sudo[@]}"} env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi
[ -e "$SERVERS" ] || run bash tools/servers.sh "$SERVERS"

cargo_missing() {
  has cargo || $dry && return
  echo "setup: $1 is compiled with Rust's cargo: see https://rustup.rs" >&2
  exit 1
}
if ! has wasmtime; then
  cargo_missing wasmtime
  # Only what is used here: running core modules and components.
  run cargo install --quiet --locked "wasmtime-cli@$WASMTIME_VERSION" --no-default-features \
    --features run,cranelift,parallel-compilation,component-model,threads,cache --root "$WASMTIME"
fi
if ! has wac; then
  cargo_missing wac
  run cargo install --quiet --locked "wac-cli@$WAC_VERSION" --root "$WAC"
fi
if ! has componentize-py; then
  run python3 -m venv "$COMPONENTIZE"
  run "$COMPONENTIZE/bin/pip" install --quiet --disable-pip-version-check "componentize-py==$COMPONENTIZE_VERSION"
fi
[ -e "$WASM3" ] || run bash tools/wasm3.sh "$WASM3"
# Where there is no mirror of Debian, the tests of these programs are skipped.
[ -e "$C_PROGRAMS" ] || run bash tools/c-programs.sh "$C_PROGRAMS" || echo "setup: the C programs are not there" >&2
[ -e "$MBEDTLS" ] || run bash tools/c-programs.sh "$MBEDTLS" tls || echo "setup: Mbed TLS is not there" >&2
# The lock that they were installed by lies beside them, from when all are.
installed="$PACKAGES/installed.json"
if [ ! -e "$installed" ] || [ "$(< "$installed")" != "$(< $OTHERS/package-lock.json)" ]; then
  run mkdir -p "$PACKAGES"
  run cp $OTHERS/package.json $OTHERS/package-lock.json "$PACKAGES/"
  # Some would compile parts of theirs that they do without.
  run npm ci --prefix "$PACKAGES" --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error
  run cp $OTHERS/package-lock.json "$installed"
fi
$work || echo "setup: nothing is missing"
