#!/usr/bin/env bash
# usage: tools/wasm3.sh DIRECTORY: puts the sources of wasm3 there (MIT), from the package pywasm3 on PyPI, whose hash
# stands here. It asks for python3 with venv, and the network.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: tools/wasm3.sh DIRECTORY" >&2; exit 2; }
to=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo "pywasm3==0.5.0 --hash=sha256:5a47c8a39f7f6ae71b3316b2e5d86c9d0db6e771a65f09a86e4d4aa3a19aefcc" > "$dir/wanted"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary pywasm3 --require-hashes \
  -r "$dir/wanted" -d "$dir"
tar -C "$dir" -xzf "$dir/pywasm3-0.5.0.tar.gz"
mkdir -p "$(dirname "$to")"
rm -rf "$to"
cp -R "$dir/pywasm3-0.5.0/wasm3" "$to.new"
cp "$dir/pywasm3-0.5.0/LICENSE" "$to.new/"
mv "$to.new" "$to"
