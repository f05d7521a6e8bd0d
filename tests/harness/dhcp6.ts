/** Messages of DHCPv6, written apart from the stack's own codec. */
import { be, MAC_STACK } from "./codec.js";

export const TYPE6 = {
  SOLICIT: 1, ADVERTISE: 2, REQUEST: 3, RENEW: 5, REBIND: 6, REPLY: 7, RELEASE: 8, DECLINE: 9, RECONFIGURE: 10,
  INFORM: 11,
};

/** The stack's identifier and the number of its association, as they follow from its MAC address; and a server's. */
export const CLIENT_ID = [0, 3, 0, 1, ...MAC_STACK], IAID = MAC_STACK.slice(2);
export const SERVER_ID = [0, 2, 0, 0, 0, 9, 1, 2, 3];

export const option6 = (code: number, data: number[], size = data.length): number[] =>
  [...be(2, code), ...be(2, size), ...data];
/** An address inside an association. */
export const inner = (address: Uint8Array, preferred = 3000, valid = 4000, more: number[] = []): number[] =>
  option6(5, [...address, ...be(4, preferred), ...be(4, valid), ...more]);
/** An association, IA_NA. */
export const ia = (inside: number[], t1 = 1000, t2 = 2000, id = IAID): number[] =>
  option6(3, [...id, ...be(4, t1), ...be(4, t2), ...inside]);
export const status = (code: number): number[] => option6(13, be(2, code));
/** Both identifiers. */
export const IDS = [...option6(1, CLIENT_ID), ...option6(2, SERVER_ID)];

export const message6 = (type: number, xid: number, options: number[]): Uint8Array =>
  Uint8Array.from([type & 255, ...be(4, xid).slice(1), ...options]);
