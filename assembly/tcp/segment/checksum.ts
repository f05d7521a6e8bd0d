// The checksum of an outgoing segment (RFC 9293 §3.1, MUST-2).

import { SPEED } from "../../features";
import { sumBytes, foldSum } from "../../core/checksum";
import { sumBetween } from "../../address/names";
import { Ipv4, PROTO_TCP } from "../../wire/ipv4";
import { TcpHeader } from "../../wire/tcp";
import { ipSum } from "../../ip/output";

/** Computes the checksum over the finished segment of `size` bytes, header included. */
export function fillChecksum(ip: Ipv4, tcp: TcpHeader, size: u32): void {
  tcp.checksum = 0;
  const pseudo = SPEED ? ipSum(size) : sumBetween(ip.src, ip.dst, PROTO_TCP, size);
  tcp.checksum = foldSum(sumBytes(changetype<usize>(tcp), size, pseudo));
}

/** The same, in a build for speed, of a segment whose payload behind `header` bytes has the sum `text`. */
export function fillChecksumWithText(tcp: TcpHeader, header: u32, size: u32, text: u64): void {
  tcp.checksum = 0;
  const at = changetype<usize>(tcp);
  let sum = text + ipSum(size);
  sum += <u64>load<u32>(at) + <u64>load<u32>(at, 4) + <u64>load<u32>(at, 8) + <u64>load<u32>(at, 12) +
    <u64>load<u32>(at, 16);
  tcp.checksum = foldSum(header == TcpHeader.SIZE ? sum : sumBytes(at + TcpHeader.SIZE, header - TcpHeader.SIZE, sum));
}
