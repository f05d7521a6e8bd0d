/** DHCPv6 for the fuzzer: scenes up to each state of the client, and what servers say: right, nearly so, or never. */
import { be, MAC_PEER } from "../harness/codec.js";
import { ip6, nd, routerAdvertisement, udp6 } from "../harness/codec6.js";
import { CLIENT_ID, ia, IAID, IDS, inner, message6, option6, SERVER_ID, status, TYPE6 } from "../harness/dhcp6.js";
import { type Choices } from "./choices.js";
import { type Scene, type Subject } from "./subject.js";

const ROUTER = ip6("fe80::1"), SERVER = ip6("fe80::2"), MANAGED = 0x80, OTHER = 0x40;
const GIVEN = ip6("2001:db8:1::100"), RESOLVER = ip6("2001:db8:1::53");
/** Addresses that a server may give, and that nobody may have. */
const OFFERED = ["2001:db8:1::100", "2001:db8:1::200", "fd00::7", "::", "::1", "ff02::1", "fe80::9", "::ffff:1.2.3.4"]
  .map((text) => ip6(text));

/** A client from its first message to the last, and one that asks for DNS servers alone. */
export function makeLeases6(s: Subject, fresh: Scene): void {
  const answer = (type: number, options: number[]): void => {
    s.push(udp6({ src: SERVER, dst: s.own6!.local }, 547, 546, message6(type, s.clients.asked.xid6, options)));
    s.poll();
  };
  const begin = (flags: number): void => {
    s.restore(fresh);
    s.speaks = "six";
    s.stack.ip6Start(Uint8Array.from({ length: 16 }, (_, i) => i + 1));
    s.poll();
    for (let i = 0; i < 4; i++) s.time(500_000);
    s.push(routerAdvertisement(ROUTER, nd.source(MAC_PEER), { flags }));
    // The first message goes at some time within a second.
    for (let i = 0; i < 11; i++) s.time(100_000);
  };
  const good = [...IDS, ...ia(inner(GIVEN)), ...option6(23, [...RESOLVER])];
  begin(MANAGED);
  s.save("DHCPv6 looks for a server");
  answer(TYPE6.ADVERTISE, [...good, ...option6(7, [255])]);
  s.save("DHCPv6 asks for an address");
  answer(TYPE6.REPLY, good);
  for (let i = 0; i < 4; i++) s.time(500_000);
  s.save("DHCPv6 has an address");
  const bound = s.snapshot("");
  s.time(1_000_000_000);
  s.time(1);
  s.save("DHCPv6 renews");
  s.time(1_000_000_000);
  s.time(1);
  s.save("DHCPv6 asks any server");
  s.restore(bound);
  s.exports.dhcp6_stop();
  s.poll();
  s.save("DHCPv6 gives its address back");
  begin(OTHER);
  s.save("DHCPv6 asks what else there is");
}

const some = (c: Choices, n: number): number[] => Array.from({ length: n }, () => c.u8());
const pick = <T>(c: Choices, ...of: T[]): T => of[c.below(of.length)]!;
const time = (c: Choices): number => pick(c, 3000, 3000, 1000, 1, 0, 0xffffffff, c.u32());

/** A message of a server. */
export function dhcp6Frame(s: Subject, c: Choices): Uint8Array {
  const { type6, xid6 } = s.clients.asked, fits = type6 === TYPE6.SOLICIT ? TYPE6.ADVERTISE : TYPE6.REPLY;
  const type = c.below(8) ? fits : pick(c, TYPE6.ADVERTISE, TYPE6.REPLY, TYPE6.RECONFIGURE, c.u8());
  const options: number[] = [];
  if (c.below(16)) options.push(...option6(1, c.below(16) ? CLIENT_ID : some(c, c.below(12))));
  if (c.below(16)) options.push(...option6(2, c.below(4) ? SERVER_ID : some(c, pick(c, 9, 3, 2, 0, 130, 131))));
  if (c.below(8)) options.push(...association(c));
  for (let n = c.below(4); n > 0; n--) options.push(...optionOf(c));
  const xid = c.below(16) ? xid6 : c.u32() & 0xffffff, dst = s.own6?.local ?? ROUTER;
  const message = message6(type, xid, options), cut = c.below(16) ? message.length : c.u16() % (message.length + 1);
  return udp6({ src: SERVER, dst }, c.below(16) ? 547 : c.u16(), c.below(32) ? 546 : c.u16(), message.subarray(0, cut));
}

/** An association: with an address, with none or several, refused, or with what does not fit into it. */
function association(c: Choices): number[] {
  const inside: number[] = [];
  for (let n = pick(c, 1, 1, 1, 0, 2); n > 0; n--) {
    const address = c.below(4) ? GIVEN : pick(c, ...OFFERED), preferred = time(c);
    const valid = c.below(2) ? preferred : time(c);
    inside.push(...inner(address, preferred, valid, c.below(8) ? [] : optionOf(c)));
  }
  if (!c.below(4)) inside.push(...status(c.below(7)));
  if (!c.below(8)) inside.push(...optionOf(c));
  const t1 = time(c), t2 = c.below(4) ? Math.max(t1, 2000) : time(c);
  return ia(inside, t1, t2, c.below(16) ? IAID : some(c, 4));
}

function optionOf(c: Choices): number[] {
  switch (c.below(9)) {
    case 0: return option6(23, [...RESOLVER, ...(c.below(2) ? [] : some(c, c.below(40)))]);
    case 1: return option6(7, some(c, c.below(3)));
    case 2: return option6(pick(c, 32, 82, 83), be(4, pick(c, 60, 600, 86_400, 0, c.u32())));
    case 3: return option6(13, some(c, c.below(5)));
    case 4: return association(c);
    // A length that is not what follows, and one that is nothing.
    case 5: return option6(pick(c, 1, 2, 3, 5, 13, 23, c.u8()), some(c, c.below(20)), c.u8());
    case 6: return option6(pick(c, 1, 2, 3, 5, 7, 13, 23, 32, 82), []);
    case 7: return some(c, c.below(4));
    default: return option6(c.u16(), some(c, c.below(20)));
  }
}
