// The checksum of an outgoing segment (RFC 9293 §3.1, MUST-2).

import { sumBytes, sumPseudo, foldSum } from "../core/checksum";
import { Ipv4, PROTO_TCP } from "../wire/ipv4";
import { TcpHeader } from "../wire/tcp";

/** Computes the checksum over the finished segment of `size` bytes, header included. */
export function tcpSeal(ip: Ipv4, tcp: TcpHeader, size: u32): void {
  tcp.checksum = 0;
  tcp.checksum = foldSum(sumBytes(changetype<usize>(tcp), size, sumPseudo(ip.src, ip.dst, PROTO_TCP, size)));
}
