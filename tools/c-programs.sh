#!/usr/bin/env bash
# usage: tools/c-programs.sh DIRECTORY [tls]: puts the sources of C programs there, from Debian's source packages. With
# `tls` it puts Mbed TLS there instead.
# Their hashes stand here; tests/interop/c-programs.test.ts compiles them over host/bsd. Those with a ./configure are
# configured for this machine, with little in them. It asks for Debian's apt-get, a C compiler, and the network.
set -euo pipefail
[ $# -eq 1 ] || [ "$#-${2-}" = 2-tls ] || { echo "usage: tools/c-programs.sh DIRECTORY [tls]" >&2; exit 2; }
to=$(realpath -m "$1") set=${2-programs}
# Package, suite, the upstream tarball, its hash, its folder.
wanted() {
  if [ "$set" = tls ]; then
    echo "mbedtls trixie mbedtls_3.6.6.orig.tar.bz2 8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a"
    return
  fi
  cat <<'END'
curl       bookworm curl_7.88.1.orig.tar.gz           cdb38b72e36bc5d33d5b8810f8018ece1baa29a8f215b4495e495ded82bbf3c7
hiredis    bookworm hiredis_0.14.1.orig.tar.gz        2663b2aed9fd430507e30fc5e63274ee40cdd1a296026e22eafd7d99b01c8913
iperf3     bullseye iperf3_3.9.orig.tar.gz            24b63a26382325f759f11d421779a937b63ca1bc17c44587d2fcfedab60ac038
libmicrohttpd bookworm libmicrohttpd_0.9.75.orig.tar.xz 796e7e217a4802679fcac667a4e98501c53185dcf50ca0583870e84192620131
lua5.4     bookworm lua5.4_5.4.4.orig.tar.gz          164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61
lua-socket bookworm luasocket_3.1.0.orig.tar.gz       35a6819789b51d94a52e6cee12f07cb17cf02927438d76c31231db06bbf31f0b
mosquitto  bookworm mosquitto_2.0.11.orig.tar.gz      7b36a7198bce85cf31b132f5c6ee36dcf5dadf86fb768501eb1e11ce95d4f78a
netcat     bookworm netcat_1.10.orig.tar.bz2          64913dc3f0b4a96c3ab04d062d84f28ba6854152c94344e3985458b2aebca3d5
redis      bookworm redis_7.0.15.orig.tar.gz          4b1dc4ee6d622a09fff9c6777191209750fb5e5a725ef78ea012d6eef4c22982
END
}

mkdir -p "$(dirname "$to")"
made=$(mktemp -d "$(dirname "$to")/c-programs.XXXXXX")
trap 'rm -rf "$made"' EXIT
chmod 755 "$made"
cd "$made"

# The machine's own mirror, of the suites that are named above. The machine's lists stay as they are.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' |
  sed -nE '/-(security|updates|backports) /d; s/^Debian [a-z]+ //p' | head -n 1)
[ -n "$mirror" ] || { echo "c-programs: apt-get knows no mirror of Debian here" >&2; exit 1; }
mkdir -p apt/lists/partial tarballs
for suite in $(wanted | awk '{ print $2 }' | sort -u); do
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
done > apt/sources.list
fetch() {
  apt-get -qq -o Acquire::Retries=3 -o APT::Sandbox::User="$(id -un)" -o Dir::Etc::SourceParts=- \
    -o Dir::Etc::SourceList="$made/apt/sources.list" -o Dir::State::Lists="$made/apt/lists" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"
}
fetch update
mapfile -t packages < <(wanted | while read -r package suite _; do echo "$package/$suite"; done)
(cd tarballs && fetch source --download-only --tar-only "${packages[@]}" >&2)
wanted | while read -r package _ tarball hash; do
  echo "$hash  tarballs/$tarball" | sha256sum --check --quiet
  mkdir "$package"
  tar -C "$package" --strip-components=1 --no-same-owner -xf "tarballs/$tarball"
done

place() {
  rm -rf "$to"
  trap - EXIT
  mv -T "$1" "$to"
}
if [ "$set" = tls ]; then
  # Its tests and documents are not needed.
  for part in 3rdparty framework tests docs programs visualc; do rm -rf "mbedtls/$part"; done
  place mbedtls
  rm -rf "$made"
  exit
fi

configure() {
  local in=$1
  shift
  (cd "$in" && ./configure --disable-shared --disable-dependency-tracking "$@" > configure.log 2>&1) ||
    { tail -n 20 "$in/configure.log" >&2; exit 1; }
}
off() { printf -- '--disable-%s\n' "$@"; }
# shellcheck disable=SC2046
configure curl --without-ssl --without-zlib --without-brotli --without-zstd --without-nghttp2 --without-libidn2 \
  --without-libpsl $(off threaded-resolver pthreads unix-sockets manual ldap rtsp dict telnet tftp pop3 imap smb smtp \
  gopher mqtt)
configure libmicrohttpd --disable-https --disable-epoll --disable-curl --disable-doc
configure iperf3 --without-openssl --without-sctp
(cd redis/src && sh mkreleasehdr.sh)
ln -s . hiredis/hiredis

rm -rf apt tarballs
place "$made"
