// The checksum of an outgoing segment (RFC 9293 §3.1, MUST-2). `pseudo`: the sum of its pseudo-header.

import { sumBytes, foldSum } from "../../core/checksum";
import { TcpHeader } from "../../wire/tcp";

/** Computes the checksum over the finished segment of `size` bytes, header included. */
export function fillChecksum(tcp: TcpHeader, size: u32, pseudo: u64): void {
  tcp.checksum = 0;
  tcp.checksum = foldSum(sumBytes(changetype<usize>(tcp), size, pseudo));
}

/** The same, in a build for speed: `sum` is that of the pseudo-header, and of the payload behind `header` bytes. */
export function fillChecksumWithText(tcp: TcpHeader, header: u32, sum: u64): void {
  tcp.checksum = 0;
  const at = changetype<usize>(tcp);
  sum += <u64>load<u32>(at) + <u64>load<u32>(at, 4) + <u64>load<u32>(at, 8) + <u64>load<u32>(at, 12) +
    <u64>load<u32>(at, 16);
  tcp.checksum = foldSum(header == TcpHeader.SIZE ? sum : sumBytes(at + TcpHeader.SIZE, header - TcpHeader.SIZE, sum));
}
