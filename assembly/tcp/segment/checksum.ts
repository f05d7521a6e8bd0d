// The checksum of an outgoing segment (RFC 9293 §3.1, MUST-2).

import { sumBytes, foldSum } from "../../core/checksum";
import { sumBetween } from "../../address/names";
import { Ipv4, PROTO_TCP } from "../../wire/ipv4";
import { TcpHeader } from "../../wire/tcp";

/** Computes the checksum over the finished segment of `size` bytes, header included. */
export function fillChecksum(ip: Ipv4, tcp: TcpHeader, size: u32): void {
  tcp.checksum = 0;
  tcp.checksum = foldSum(sumBytes(changetype<usize>(tcp), size, sumBetween(ip.src, ip.dst, PROTO_TCP, size)));
}

/** The same, of a segment whose payload behind `header` bytes has the sum `text`. */
export function fillChecksumWithText(ip: Ipv4, tcp: TcpHeader, header: u32, size: u32, text: u64): void {
  tcp.checksum = 0;
  const at = changetype<usize>(tcp);
  let sum = text + sumBetween(ip.src, ip.dst, PROTO_TCP, size);
  sum += <u64>load<u32>(at) + <u64>load<u32>(at, 4) + <u64>load<u32>(at, 8) + <u64>load<u32>(at, 12) +
    <u64>load<u32>(at, 16);
  tcp.checksum = foldSum(header == TcpHeader.SIZE ? sum : sumBytes(at + TcpHeader.SIZE, header - TcpHeader.SIZE, sum));
}
