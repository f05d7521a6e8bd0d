/** The module and its wire, in virtual time: what the stack sends is kept for the script, in its order. */
import { formatIp } from "../address.js";
import { arp } from "../encode.js";
import { ARP_OP, isArp } from "../headers.js";
import { CaptureFile } from "../links/capture.js";
import { loadModule } from "../module.js";
import { rest } from "../rest.js";
import { EVENT, StackModule } from "../stack.js";
import type { Settings } from "./system.js";
import { decodeSent, type Ends, type Sent } from "./wire.js";
import { advertisement, solicitation, solicits, type Six } from "./wire6.js";
import { parseIp6 } from "../address6.js";

const ENDS: Ends = {
  remoteMac: [2, 0, 0, 0, 0, 2], localMac: [2, 0, 192, 168, 0, 1], remoteIp: 0xc0000201, localIp: 0xc0a80001,
  remotePort: 40000, localPort: 8080,
};
const ROUTER_IP = 0xc0a800fe;
const SIX: Six = {
  local: parseIp6("2001:db8:0:1::1"), remote: parseIp6("2001:db8:0:2::1"), router: parseIp6("2001:db8:0:1::fe"),
};
const PREFIX6 = 64;
/** The same after each start. */
const SECRET = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
const START_US = 10_000_000;
/** What duplicate address detection (RFC 4862 §5.4) has before a script begins. */
const BEFORE_US = 5_000_000;
/** Polls at one moment, at most: more is a livelock. */
const POLLS_MAX = 10_000;

/** What the world tells and asks while time passes. */
export interface Watcher {
  /** The stack sent something that a script can name. */
  sent(what: Sent): void;
  /** A connection came to its end, by itself or by its peer. */
  closed(handle: number): void;
  /** Everything that happens at this moment has happened. */
  settled(): void;
  /** When a blocking call gives up; Infinity: none does. */
  deadlineUs(): number;
}

/** Times are µs. The runner moves the clock; the router answers ARP and solicitations by itself. */
export class World {
  readonly stack: StackModule;
  readonly ends: Ends;
  /** What the stack sent and the script did not name yet. */
  readonly sent: { us: number; what: Sent }[] = [];
  nowUs = START_US;
  /** µs until the stack wants to be polled; negative: never. */
  waitUs = -1;
  #capture: CaptureFile | undefined;

  constructor(options: Settings, readonly watcher: Watcher, pcap: string | undefined, isSix: boolean) {
    if (pcap !== undefined) this.#capture = new CaptureFile(pcap, ["stint"]);
    this.stack = new StackModule(loadModule(), {
      ip: "192.168.0.1/16", gateway: formatIp(ROUTER_IP),
      mac: ENDS.localMac.map((b) => b.toString(16).padStart(2, "0")).join(":"),
      entropy: Uint8Array.from({ length: 32 }, (_, i) => (i * i * 37 + 1) & 255), connsMax: 16, rxSlots: 64,
      txSlots: 64,
      timeWaitMs: 60_000, ...options,
    });
    const { stack } = this;
    this.ends = !isSix ? { ...ENDS } : {
      ...ENDS, six: SIX,
      // A name is good for the next call.
      get remoteIp() {
        return stack.ip6Name(SIX.remote);
      },
      get localIp() {
        return stack.ip6Name(SIX.local);
      },
    };
  }

  /** Whether a number that the stack has just told is the remote side's address. */
  isRemote(ip: number): boolean {
    const bytes = this.ends.six && this.stack.ip6Bytes(ip);
    return this.ends.six ? bytes?.every((b, i) => b === SIX.remote[i]) ?? false : ip === ENDS.remoteIp;
  }

  /** Polls for the first time, and makes the router known. */
  begin(): void {
    if (this.ends.six) {
      this.nowUs = START_US - BEFORE_US;
      this.poll();
      this.stack.ip6Start(SECRET);
      this.stack.ip6Add(SIX.local, PREFIX6, SIX.router);
      this.poll();
      this.advance(START_US);
      const { localMac, remoteMac } = this.ends;
      this.stack.pushFrame(solicitation(remoteMac, localMac, SIX.router, SIX.local));
      this.poll();
      if (!this.stack.ip6Addresses().some((a) => a.ready && a.origin === "fixed")) throw new Error("no IPv6 address");
      return;
    }
    this.poll();
    this.#routerSays(ARP_OP.request, [0, 0, 0, 0, 0, 0]);
    this.poll();
  }

  /** Finishes the capture, if there is one. */
  close(): void {
    this.#capture?.close();
  }

  /** A moment as the script counts. */
  seconds(us: number): string {
    return `${((us - START_US) / 1e6).toFixed(6)} s`;
  }

  /** The script's beginning. */
  get startUs(): number {
    return START_US;
  }

  /** ARP from the router. */
  #routerSays(op: number, target: number[]): void {
    const { localMac, remoteMac, localIp } = this.ends, router = { mac: remoteMac, ip: ROUTER_IP };
    this.stack.pushFrame(arp(op, router, { mac: target, ip: localIp }, localMac));
  }

  #routerAdvertises(): void {
    this.stack.pushFrame(advertisement(this.ends.remoteMac, this.ends.localMac, SIX.router, SIX.local));
  }

  /** A frame from the remote side. */
  push(frame: Uint8Array): void {
    this.#capture?.frame(this.nowUs - START_US, frame);
    if (this.stack.pushFrame(frame)) return;
    this.poll();
    this.stack.pushFrame(frame);
  }

  #take(frame: Uint8Array): void {
    const what = decodeSent(frame.slice());
    if (what?.kind === "tcp") this.watcher.sent(what);
    if (what && this.#isTheScripts(what)) this.sent.push({ us: this.nowUs, what });
  }

  /** Frames of another four-tuple are nobody's. */
  #isTheScripts(what: Sent): boolean {
    const { localPort, remotePort } = this.ends;
    if (what.kind === "tcp") return what.segment.srcPort === localPort && what.segment.dstPort === remotePort;
    return what.kind === "icmp" || what.datagram.dstPort === remotePort;
  }

  /** Lets the stack work until nothing comes of it at this moment; the watcher then hears `settled`. */
  poll(): void {
    rest(() => this.waitUs = this.stack.poll(this.nowUs), () => {
      let asked = false;
      this.stack.drainFrames((frame) => {
        this.#capture?.frame(this.nowUs - START_US, frame);
        const isRequest = isArp(frame, ARP_OP.request);
        const isSolicitation = solicits(frame, SIX.router);
        // The router answers for itself, whenever it is asked.
        if (isRequest) this.#routerSays(ARP_OP.reply, this.ends.localMac);
        else if (isSolicitation) this.#routerAdvertises();
        else this.#take(frame);
        asked ||= isRequest || isSolicitation;
      });
      this.stack.drainEvents((handle, bits) => {
        if (bits & EVENT.CLOSED) this.watcher.closed(handle);
      });
      return asked;
    }, POLLS_MAX);
    this.watcher.settled();
  }

  /** Lets time pass until `us`, or until `stop` says so. */
  advance(us: number, stop: () => boolean = () => false): void {
    while (!stop()) {
      const next = Math.min(this.waitUs < 0 ? Infinity : this.nowUs + this.waitUs,
        Math.max(this.watcher.deadlineUs(), this.nowUs));
      if (next > us) {
        if (us > this.nowUs && us !== Infinity) {
          this.nowUs = us;
          this.poll();
        }
        return;
      }
      this.nowUs = next;
      this.poll();
    }
  }
}
