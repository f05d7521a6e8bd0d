// The path MTU of a connection, where it is less than we thought: as ICMP says (RFC 1191), and as time-outs say where
// ICMP does not come through (RFC 8899). Whether the path takes more again is for path-probe.ts.

import { config } from "../../config";
import { count, Mib } from "../../core/counters";
import { Tcb } from "../block/tcb";
import { mssCompute } from "../block/mss";
import { recoveryPathShrinks } from "./recovery";

/** A size that nearly every path takes (BASE_PLPMTU, RFC 8899 §5.1.2). */
const BASE: u32 = 1200;
/** So many time-outs in a row, and even that is too much. */
const LAST: u8 = 6;

/** The path takes `mtu` bytes, less than we thought. */
export function pathMtuLower(t: Tcb, mtu: u32): void {
  t.pathMtu = <u16>mtu;
  mssCompute(t);
  recoveryPathShrinks(t);
  count(Mib.TCPPathMtu);
}

/**
 * What is in flight times out again and again: perhaps it is too large for the path, and no router says so,
 * or none is heard (RFC 8899 §4.3). Smaller segments are tried: first such as nearly every path takes, then
 * the least that an ICMP error could ask for.
 */
export function blackHoleSuspected(t: Tcb): void {
  const size = <u32>t.mss + 40,
    mtu = size > BASE ? max(BASE, config.pathMtuMin) : t.retries < LAST ? size : config.pathMtuMin;
  if (size > mtu && mtu < <u32>t.pathMtu && t.sndNxt - t.sndUna + 40 > mtu) pathMtuLower(t, mtu);
}
