// How many SYNs are looked at, and how many wrong cookies answered (RFC 4987 §3): per listener, and per source prefix.
// The prefixes, /24s, of IPv6 /56s, share a fixed table by a keyed hash, so that nobody can aim at the bucket of
// another, and so that what one source spends is not visible to others, as one limit for all would be (CVE-2016-5696).

import { config } from "../../config";
import { COOKIES } from "../../features";
import { take, layoutCommits } from "../../core/layout";
import { Key, hash2 } from "../../core/hash";
import { randomKey } from "../../core/random";
import { rateTake } from "../../core/rate";
import { prefixOf } from "../../address/names";

/** Two buckets a prefix: for SYNs, and for ACKs without a good cookie. */
const ENTRY_SIZE: u32 = 8;

let table: usize = 0;
let key: Key = changetype<Key>(0);

export function synRateInit(): void {
  if (!COOKIES) return;
  key = changetype<Key>(take(1, offsetof<Key>()));
  table = take(config.prefixBuckets, ENTRY_SIZE);
  if (layoutCommits()) randomKey(key);
}

function entryOf(rip: u32): usize {
  return table + (<usize>(<u32>hash2(key, prefixOf(rip), 0) & (config.prefixBuckets - 1))) * ENTRY_SIZE;
}

/**
 * Takes one SYN from `rip` off what its prefix may send, and off what the listener takes, whose bucket is at `bucket`.
 * Returns false when either has none left.
 */
export function synRateTake(rip: u32, bucket: usize): bool {
  if (config.prefixRate != 0 && config.prefixBuckets != 0 &&
      !rateTake(entryOf(rip), config.prefixRate, config.prefixBurst)) return false;
  return config.synRate == 0 || rateTake(bucket, config.synRate, config.synBurst);
}

/** Takes one answer to an ACK from `rip` whose cookie is wrong; returns false when none is left. */
export function cookieRateTake(rip: u32): bool {
  if (config.cookieRate == 0 || config.prefixBuckets == 0) return true;
  return rateTake(entryOf(rip) + 4, config.cookieRate, (config.cookieRate >> 3) + 8);
}
