/**
 * Two hosts on a virtual wire: what `stint handshake` and `npm start` show. Every segment and every change of state is
 * recorded, in virtual time, from one seed.
 */
import { CaptureFile } from "../links/capture.js";
import { Wire, type InFlight } from "../links/loopback.js";
import type { Impairment } from "../links/path.js";
import { decodeTcp, type FlagName, type TcpOption } from "../decode.js";
import { Random } from "../random.js";
import { StackModule, type StateName } from "../stack.js";
import type { StackOptions } from "../config.js";
import { parseIp } from "../address.js";
import { analyze, type Frame } from "./analyze.js";
import { ladderOf, type Ladder } from "./ladder.js";

export type Side = "client" | "server";

export interface PairOptions {
  seed: number;
  impairment?: Partial<Impairment>;
  /** Both sides open at once (RFC 9293 §3.5, figure 7). */
  simultaneous?: boolean;
  pcap?: string;
  stack?: Partial<StackOptions>;
}

/** One segment, as it left its sender. */
export interface SentSegment {
  time_us: number;
  from: Side;
  flags: FlagName[];
  seq: number;
  ack: number;
  len: number;
  window: number;
  options: TcpOption[];
  /** When it arrives; null: it was lost. */
  arrives_us: number | null;
  /** What the wire did to it. */
  fate: string;
}

export interface StateChange {
  time_us: number;
  side: Side;
  state: StateName;
}

const CLIENT_IP = "10.0.0.1", SERVER_IP = "10.0.0.2", SERVER_PORT = 4242, CLIENT_PORT = 49160;

/** Virtual time does not begin at 0, so that no clock is mistaken for "never". */
const START_US = 1_000_000;

/** A client and a server of the same module, on one wire with one seed. `stint handshake` and `stint demo` run it. */
export class Pair {
  readonly wire: Wire;
  readonly client: StackModule;
  readonly server: StackModule;
  readonly segments: SentSegment[] = [];
  readonly #frames: Frame[] = [];
  readonly changes: StateChange[] = [];
  /** Keep each segment; off for the bulk of a transfer. */
  recording = true;
  clientSocket = 0;
  serverSocket = 0;
  segmentsSeen = 0;
  lost = 0;
  #states: Record<Side, StateName | ""> = { client: "", server: "" };
  #listener = 0;
  #capture: CaptureFile | undefined;
  /** The applications' part: called after every poll of a side; true: it did something. */
  onPolled: (side: Side) => boolean | void = () => {};

  constructor(module: WebAssembly.Module, readonly options: PairOptions) {
    const random = new Random(options.seed);
    this.wire = new Wire(random.u32(), START_US);
    const make = (ip: string): StackModule =>
      new StackModule(module, { ...options.stack, ip: `${ip}/24`, entropy: random.bytes(32) });
    this.client = make(CLIENT_IP);
    this.server = make(SERVER_IP);
    this.wire.attach(this.client, options.impairment);
    this.wire.attach(this.server, options.impairment);
    if (options.pcap !== undefined) this.#capture = new CaptureFile(options.pcap, ["client", "server"]);
    this.wire.onSend = (flight) => this.#sent(flight);
    this.wire.onPolled = (port) => {
      this.#watch();
      const did = this.onPolled(port === 0 ? "client" : "server");
      this.#watch();
      return did;
    };
  }

  get nowUs(): number {
    return this.wire.nowUs - START_US;
  }

  /** The state of the one connection, from this side; "CLOSED" without one. */
  stateOf(side: Side): StateName {
    const [a, b] = [parseIp(CLIENT_IP), parseIp(SERVER_IP)];
    return side === "client"
      ? this.client.flowState(a, CLIENT_PORT, b, SERVER_PORT)
      : this.server.flowState(b, SERVER_PORT, a, CLIENT_PORT);
  }

  #watch(): void {
    for (const side of ["client", "server"] as const) {
      const state = this.stateOf(side);
      if (state === this.#states[side]) continue;
      // A listener whose connection is over is still in LISTEN; the connection itself went through CLOSED.
      const shown = side === "server" && state === "LISTEN" && this.#states.server !== "CLOSED" ? "CLOSED" : state;
      this.#states[side] = state;
      if (this.changes.some((c) => c.side === side && c.state === "TIME-WAIT") && shown === "LISTEN") continue;
      this.changes.push({ time_us: this.nowUs, side, state: shown });
    }
  }

  #sent(flight: InFlight): void {
    const from: Side = flight.from === 0 ? "client" : "server";
    this.#capture?.frame(flight.sentUs, flight.frame, flight.from, flight.fate);
    const segment = decodeTcp(flight.frame);
    if (!segment) return;
    this.segmentsSeen++;
    if (flight.fate === "lost") this.lost++;
    if (!this.recording) return;
    this.#frames.push({
      timeUs: flight.sentUs, bytes: flight.frame.slice(), arrivesUs: Number.isNaN(flight.dueUs) ? null : flight.dueUs,
      ...(flight.fate ? { fate: flight.fate } : {}),
    });
    this.segments.push({
      time_us: flight.sentUs - START_US,
      from,
      flags: segment.flags,
      seq: segment.seq,
      ack: segment.ack,
      len: segment.len,
      window: segment.window,
      options: segment.options,
      arrives_us: Number.isNaN(flight.dueUs) ? null : flight.dueUs - START_US,
      fate: flight.fate,
    });
  }

  /** Opens the connection, `early` already queued for the third segment. Returns whether both ends are ESTABLISHED. */
  open(early: Uint8Array = new Uint8Array(0)): boolean {
    this.#watch();
    if (!this.options.simultaneous) this.#listener = this.server.listen(SERVER_PORT);
    this.#watch();
    this.clientSocket = this.client.connect(parseIp(SERVER_IP), SERVER_PORT, CLIENT_PORT);
    if (this.options.simultaneous)
      this.serverSocket = this.server.connect(parseIp(CLIENT_IP), CLIENT_PORT, SERVER_PORT);
    if (early.length > 0) this.client.send(this.clientSocket, early);
    this.#watch();
    const up = (side: Side): boolean => ["ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-1"].includes(this.stateOf(side));
    const done = this.wire.run(() => up("client") && up("server"), this.wire.nowUs + 200e6);
    if (done && this.#listener !== 0) this.serverSocket = this.server.accept(this.#listener);
    return done;
  }

  /** Both close: the client first. Runs until its TIME-WAIT has begun and the server has left. */
  close(): boolean {
    this.client.shutdown(this.clientSocket);
    this.#watch();
    const over = (): boolean =>
      this.stateOf("client") === "TIME-WAIT" && ["LISTEN", "CLOSED"].includes(this.stateOf("server"));
    // The server's application takes its time to see the end, so that FIN-WAIT-2 is passed through.
    if (!this.wire.run(() => this.stateOf("server") === "CLOSE-WAIT", this.wire.nowUs + 200e6)) return false;
    this.settle(20_000);
    this.server.close(this.serverSocket);
    this.#watch();
    return this.wire.run(over, this.wire.nowUs + 400e6);
  }

  /** Lets what is on the wire arrive. */
  settle(us = 500_000): void {
    this.wire.run(() => false, this.wire.nowUs + us);
  }

  /** The states that a side entered, in their order. */
  statesOf(side: Side): StateName[] {
    return this.changes.filter((c) => c.side === side).map((c) => c.state);
  }

  /** The ladder of the segments from number `first` on, with the states that the sides were in. */
  ladder(first = 0): Ladder {
    const [connection] = analyze(this.#frames), title = "the handshake";
    const idle = (side: Side): string => (side === "server" && !this.options.simultaneous ? "LISTEN" : "CLOSED");
    // Where every ARP request is lost, no segment is ever sent.
    if (!connection)
      return {
        title, names: ["client", "server"], before: [idle("client"), idle("server")], startUs: START_US, lines: [],
      };
    const ladder = ladderOf(connection, title), client = `${CLIENT_IP}:${CLIENT_PORT}`;
    const sides = connection.names[0] === client ? ["client", "server"] as const : ["server", "client"] as const;
    const changesOf = (side: Side): StateChange[] => this.changes.filter((c) => c.side === side);
    const stateAt = (side: Side, us: number): string =>
      changesOf(side)
        .filter((c) => c.time_us <= us - START_US)
        .at(-1)?.state ?? "CLOSED";
    // The states that the first segment shown finds: what it changed itself came at the same moment.
    const firstUs = (connection.segments[first]?.timeUs ?? Infinity) - START_US;
    const before = (side: Side): string =>
      first === 0
        ? idle(side)
        : (changesOf(side)
            .filter((c) => c.time_us < firstUs)
            .at(-1)?.state ?? "CLOSED");
    return {
      ...ladder, startUs: START_US, names: sides.map((s, i) => `${s} ${connection.names[i]!}`) as [string, string],
      before: [before(sides[0]), before(sides[1])] as [string, string],
      lines: ladder.lines.slice(first).map(({ segment }) => {
        const at = (i: 0 | 1): string =>
          stateAt(sides[i], segment.from === i ? segment.timeUs : (segment.arrivesUs ?? segment.timeUs));
        return { segment, states: [at(0), at(1)] as [string, string] };
      }),
    };
  }

  /** The states of both sides in their order, a line each. */
  stateLines(): string[] {
    return (["client", "server"] as const).map((side) => `  ${side}: ${this.statesOf(side).join(" → ")}`);
  }

  /** The initial sequence number, of the first SYN that was recorded; 0: it sent none. */
  issOf(side: Side): number {
    return this.segments.find((s) => s.from === side && s.flags.includes("SYN"))?.seq ?? 0;
  }

  /** Finishes the capture, if there is one. */
  finish(): void {
    this.#capture?.close();
  }
}
