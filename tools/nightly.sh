#!/usr/bin/env bash
# usage: npm run nightly [-- SECONDS]: libFuzzer with AddressSanitizer on every processor, by default for eight hours,
# 10^9 frames and more; cables, with processes that are stopped for a minute; 20,000 conversations with the kernel
# beside; every fault that is put in on purpose; 300 mutants; and the fuzzer on the modules that check, anew each night.
# What it finds is in build/ownership/crash-…; inputs that reach something new are merged into tests/ownership/corpus,
# as few as do.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-28800}"
node tools/ownership.mjs --fuzz
work=build/ownership/corpus
mkdir -p "$work"
failed=0
build/ownership/fuzz "$work" tests/ownership/corpus -dict=tests/ownership/dictionary.txt -max_len=2048 -timeout=20 \
  -max_total_time="$seconds" -fork="$(nproc)" -artifact_prefix=build/ownership/ \
  > build/ownership/nightly.log 2>&1 || failed=1
tail -n 3 build/ownership/nightly.log
# Processes that stand still for a minute in the middle of transfers.
STINT_CABLE_MINUTE=1 node --import tsx --test tests/interop/cable.test.ts || failed=1
npm run --silent differ -- --sequences 20000 --seed "$RANDOM" || failed=1
# Node's own tests of net, dgram and dns.
npm run --silent nodetests || failed=1
npm run --silent faults -- --seed "$RANDOM" || failed=1
# Other mutants than CI's eight. All 3,300 of them take a day.
npm run --silent mutate -- --count 300 --seed "$RANDOM" --least 60 || failed=1
for module in stint.checks stint.owned; do
  STINT_MODULE=$module npm run --silent fuzz -- --frames 5000000 --seed "$RANDOM" || failed=1
done
rm -rf build/ownership/merged
mkdir build/ownership/merged
build/ownership/fuzz -merge=1 -max_len=2048 build/ownership/merged "$work" tests/ownership/corpus \
  > build/ownership/merge.log 2>&1
# A megabyte at most: the shortest ones.
rm -f tests/ownership/corpus/*
(cd build/ownership/merged && ls -Sr) | while read -r file; do
  [ "$(du -sb tests/ownership/corpus | cut -f1)" -gt 900000 ] && break
  cp "build/ownership/merged/$file" tests/ownership/corpus/
done
exit "$failed"
