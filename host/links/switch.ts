/**
 * An Ethernet switch in this process: any number of stacks, and of links to elsewhere, on one network. It learns which
 * station is where, does to frames what an impairment says, and mirrors them into a capture.
 */
import { REAL_TIME, type Alarm, type Clock } from "../clock.js";
import { Queue } from "../queue.js";
import { Random } from "../random.js";
import { wallUs, type CaptureFile } from "./capture.js";
import type { Link } from "./link.js";
import { Path, PERFECT, type Impairment } from "./path.js";

/** How a switch is made. */
export interface SwitchOptions {
  /** What chance comes from: the same seed does the same to the same frames. */
  seed?: number;
  /** The clock that delays are counted in; by default the host's. */
  clock?: Clock;
  /**
   * Every frame that comes to the switch is written here, on an interface of its port's, with what became of it. The
   * switch closes the file at its end.
   */
  capture?: CaptureFile;
}

/** What a port is called, whom it reaches, and what happens to the frames that come in by it. */
export interface SwitchPort extends Partial<Impairment> {
  /** Its name in the capture; by default "port 0" and so on. */
  name?: string;
  /** Ports that are isolated reach those that are not, and not each other. */
  isolated?: boolean;
  /**
   * Stations that the port may have: frames from more are dropped, and those from a station that another port has. By
   * default the port is trusted.
   */
  stations?: number;
}

/** Stations that are known at most; the one that has been silent longest is forgotten. */
const STATIONS_MAX = 4096;
/** How long a station that says nothing is known, µs (IEEE 802.1D table 7-5). */
const AGE_US = 300e6;
/** Frames on their way at most; more are lost, as in a switch whose memory is full. */
const IN_FLIGHT_MAX = 16_384;
const HEADER = 14;

interface Port {
  name: string;
  path: Path;
  isolated: boolean;
  /** Stations that it may have, and those that it has had. */
  stations: number;
  own: Set<number>;
  /** The number of its interface in the capture. */
  seen: number;
  deliver: (frame: Uint8Array) => void;
  close: () => void;
}

/** Six bytes as a number. */
function station(frame: Uint8Array, at: number): number {
  let mac = 0;
  for (let i = 0; i < 6; i++) mac = mac * 256 + frame[at + i]!;
  return mac;
}

/** The lowest bit of the first byte: a group, which sends nothing (IEEE 802.3 §3.2.3). */
const isGroup = (mac: number): boolean => Math.floor(mac / 2 ** 40) % 2 === 1;

/**
 * A switch. `port()` is what a stack is opened on, and `connect` plugs a link in: a TAP device, `nat()`, passt.
 *
 * @example
 * ```ts
 * const lan = new Switch({ seed: 1 });
 * const a = await Stack.open({ link: lan.port({ loss: 0.01 }), ip: "10.0.0.1/24" });
 * const b = await Stack.open({ link: lan.port(), ip: "10.0.0.2/24" });
 * ```
 */
export class Switch {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #capture: CaptureFile | undefined;
  readonly #ports = new Set<Port>();
  /** Where each station was heard last, and when: those that spoke last are last. */
  readonly #stations = new Map<number, { port: Port; atUs: number }>();
  readonly #queue = new Queue<{ frame: Uint8Array; from: Port }>();
  #alarm: Alarm | undefined;
  #alarmUs = Infinity;
  #closed = false;
  #count = 0;

  constructor({ seed = 1, clock = REAL_TIME, capture }: SwitchOptions = {}) {
    this.#clock = clock;
    this.#random = new Random(seed);
    this.#capture = capture;
  }

  /** A port, as a link for `Stack.open`; what is said of frames is said of those that the stack sends. */
  port(options: SwitchPort = {}): Link {
    const link: Link = {
      send: (frame) => this.#take(port, frame),
      onFrame() {},
      onClose() {},
      close: () => this.#remove(port),
    };
    const port = this.#add(options, (frame) => link.onFrame(frame), () => link.onClose());
    return link;
  }

  /**
   * Plugs a link in; what is said of frames is said of those that come from it. The switch closes it at its end, and
   * goes on without it when it closes by itself. Returns what unplugs and closes it.
   */
  connect(link: Link, options: SwitchPort = {}): () => void {
    const port = this.#add(options, (frame) => link.send(frame), () => link.close());
    link.onFrame = (frame) => this.#take(port, frame);
    link.onClose = () => this.#remove(port);
    return () => {
      if (this.#remove(port)) link.close();
    };
  }

  /** How many ports there are. */
  get size(): number {
    return this.#ports.size;
  }

  /** Ends it: links are closed, and stacks on ports are told that theirs have closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#alarm?.cancel();
    this.#queue.clear();
    for (const port of [...this.#ports]) {
      this.#remove(port);
      port.close();
    }
    this.#capture?.close();
  }

  #add(options: SwitchPort, deliver: Port["deliver"], close: () => void): Port {
    const { name, isolated = false, stations = Infinity, ...out } = options;
    if (this.#closed) throw new RangeError("the switch is closed");
    const path = new Path({ ...PERFECT, delayUs: 0, ...out }, this.#random), number = this.#count++;
    const label = name ?? `port ${number}`, seen = this.#capture?.add(label) ?? 0, own = new Set<number>();
    const port = { name: label, path, isolated, stations, own, seen, deliver, close };
    this.#ports.add(port);
    return port;
  }

  #remove(port: Port): boolean {
    for (const [mac, known] of this.#stations) if (known.port === port) this.#stations.delete(mac);
    return this.#ports.delete(port);
  }

  #take(from: Port, bytes: Uint8Array): void {
    if (!this.#ports.has(from) || bytes.length < HEADER || !this.#mayBe(from, station(bytes, 6))) return;
    // Of a Buffer, `slice` is no copy.
    const frame = new Uint8Array(bytes), nowUs = this.#clock.nowUs();
    let fate = "lost";
    from.path.send(frame, nowUs, undefined, (dueUs, what) => {
      fate = fate === "lost" ? what : `${fate} ${what}`.trim();
      if (this.#queue.size < IN_FLIGHT_MAX) this.#queue.push(dueUs, { frame, from });
      else fate = "lost";
    });
    this.#capture?.frame(this.#clock === REAL_TIME ? wallUs() : nowUs, frame, from.seen, fate);
    this.#arm();
  }

  /** Whether a port may speak as a station. */
  #mayBe(port: Port, mac: number): boolean {
    if (port.stations === Infinity) return true;
    const known = this.#stations.get(mac);
    if (known !== undefined && known.port !== port && this.#clock.nowUs() - known.atUs < AGE_US) return false;
    if (!port.own.has(mac) && (port.own.size >= port.stations || isGroup(mac))) return false;
    port.own.add(mac);
    return true;
  }

  #arm(): void {
    const { nextUs } = this.#queue;
    if (nextUs >= this.#alarmUs) return;
    this.#alarm?.cancel();
    this.#alarmUs = nextUs;
    this.#alarm = this.#clock.after(nextUs - this.#clock.nowUs(), () => {
      this.#alarmUs = Infinity;
      // What is sent meanwhile has its turn after this.
      const untilUs = this.#clock.nowUs();
      for (let n = this.#queue.size; n > 0 && this.#queue.nextUs <= untilUs && !this.#closed; n--) {
        const { frame, from } = this.#queue.pop();
        this.#forward(frame, from);
      }
      if (!this.#closed) this.#arm();
    });
  }

  /** To where the station is, or to all that are not where the frame comes from (IEEE 802.1D §7.7). */
  #forward(frame: Uint8Array, from: Port): void {
    if (!this.#ports.has(from)) return;
    const nowUs = this.#clock.nowUs(), known = this.#stations.get(station(frame, 0));
    this.#learn(station(frame, 6), from, nowUs);
    const isKnown = known !== undefined && nowUs - known.atUs < AGE_US;
    for (const to of isKnown ? [known.port] : [...this.#ports])
      if (to !== from && !(to.isolated && from.isolated)) to.deliver(frame);
  }

  #learn(mac: number, port: Port, atUs: number): void {
    if (isGroup(mac)) return;
    this.#stations.delete(mac);
    this.#stations.set(mac, { port, atUs });
    if (this.#stations.size > STATIONS_MAX) this.#stations.delete(this.#stations.keys().next().value!);
  }
}
