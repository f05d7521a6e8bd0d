#!/usr/bin/env bash
# usage: servers.sh DEST: Debian's packages of servers that tests/interop talks to (programs.test.ts, peers.test.ts),
# unpacked below DEST. They are not installed: no service is started, now or later, and no root is needed. DEST/bin
# has links to the programs.
set -euo pipefail
dest=$1
packages=(redis-server mosquitto nginx openssh-server postgresql mariadb-server-core avahi-daemon chrony radvd udhcpd)
mkdir -p "$(dirname "$dest")"
made=$(mktemp -d "$(dirname "$dest")/servers.XXXXXX")
trap 'rm -rf "$made"' EXIT
cd "$made"
# What they need beyond what the machine has; a line with [VERSION] would be an upgrade.
missing=$(apt-get -s install --no-install-recommends "${packages[@]}" | sed -nE 's/^Inst ([^ ]+) \(.*/\1/p')
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086
  apt-get -qq download $missing
  for package in *.deb; do dpkg-deb -x "$package" .; done
  rm -- *.deb
fi
# A package may have a bin of its own.
mkdir -p bin
for program in redis-server mosquitto nginx sshd postgres initdb mariadbd mariadb-install-db \
  avahi-daemon chronyd radvd; do
  for at in usr/{bin,sbin} usr/lib/postgresql/*/bin /usr/{bin,sbin} /usr/lib/postgresql/*/bin; do
    [ -x "$at/$program" ] || continue
    case "$at" in /*) ln -sf "$at/$program" bin/ ;; *) ln -sf "../$at/$program" bin/ ;; esac
    break
  done
  [ -e "bin/$program" ] || { echo "servers: no package has $program" >&2; exit 1; }
done
# What busybox does follows from its name; Debian's link to it is absolute.
if [ -x bin/busybox ]; then ln -s busybox bin/udhcpd; else ln -s "$(command -v busybox)" bin/udhcpd; fi
chmod 755 "$made"
trap - EXIT
mv -T "$made" "$dest"
