/** Whether the IPv6 addresses of a stack are still being formed: who says that it is ready waits for that. */
import { isLinkLocal } from "./address6.js";
import type { Ip6Address } from "./stack.js";

/**
 * Whether none of these addresses, among which ::1 is not, reaches others than those on the link yet, or the temporary
 * one, from which connections are to be opened, is still looked for. That ends: three are tried (RFC 8981 §3.4), a
 * second each.
 */
export function isForming6(all: readonly Ip6Address[]): boolean {
  const brief = all.filter((a) => a.origin === "temporary");
  return !(brief[0] ? brief : all).some((a) => a.ready && !isLinkLocal(a.bytes));
}
