// How many errors are sent (RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)): one bucket for both families.

import { config } from "../config";
import { take, layoutCommits } from "../core/layout";
import { clock } from "../core/clock";
import { random32 } from "../core/random";

@unmanaged class ErrorBucket {
  /** When the bucket was last filled, ms. */
  filled: u32;
  tokens: u32;
}

let bucket: ErrorBucket = changetype<ErrorBucket>(0);

export function icmpErrorsInit(): void {
  bucket = changetype<ErrorBucket>(take(1, offsetof<ErrorBucket>()));
  if (layoutCommits()) bucket.tokens = config.icmpRate;
}

/**
 * A token bucket with a random number of tokens taken off each refill: a limit that all share must not let an outsider
 * count what others sent (as with CVE-2020-25705).
 */
export function icmpErrorTake(): bool {
  if (clock.ms - bucket.filled >= 1000) {
    bucket.filled = clock.ms;
    bucket.tokens = config.icmpRate > 4 ? config.icmpRate - (random32() & 3) : config.icmpRate;
  }
  if (bucket.tokens == 0) return false;
  bucket.tokens--;
  return true;
}
