#!/usr/bin/env bash
# usage: tools/bare.sh [SUITE …]: what a machine with Node and nothing else makes of a fresh clone. `npm ci` and
# `npm start` work; the tests pass, and skip what they cannot do. Modules that this tree has built are not compiled
# again. Without suites: those that run programs; the others are the same with and without.
set -euo pipefail
cd "$(dirname "$0")/.."
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(unit host browser interop)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin" "$dir/home"
for program in node npm npx sh env; do ln -s "$(readlink -f "$(command -v "$program")")" "$dir/bin/$program"; done
git clone -q . "$dir/clone"
mkdir "$dir/clone/build"
# Not what others may be writing just now.
tar -C build --exclude=./boards --exclude="./ci-*" -c . | tar -C "$dir/clone/build" -x
# Nor do both make the same modules for boards: their names are hashes of what they are made from.
mkdir -p build/boards/.modules "$dir/clone/build/boards"
ln -s "$PWD/build/boards/.modules" "$dir/clone/build/boards/.modules"
cd "$dir/clone"
bare() { env -i PATH="$dir/bin" HOME="$dir/home" npm_config_cache="${npm_config_cache:-$HOME/.npm}" "$@"; }
bare npm ci --no-audit --no-fund --loglevel=error
bare npm start --silent | tail -n 1
bare node --import tsx tests/run.ts "${suites[@]}"
