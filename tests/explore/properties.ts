/** What must hold in every state, and at the end of every path. */
import { byteOf, CLIENT, IPS, PORTS, SERVER } from "./side.js";
import { Violation, type World } from "./world.js";

/** States in which both sides' numbers are known. */
const OPEN = new Set(["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK"]);

/**
 * So many frames in a row, while no time passes, are no conversation any more: each connection may challenge ten times.
 */
const FRAMES_MAX = 60;

/** What must hold in every state. */
export function check(w: World): void {
  const [a, b] = [w.sides[0].state(), w.sides[1].state()];
  const numbers = (side: number, state: string): { iss: number; irs: number } | undefined => {
    const s = w.sides[side]!, handle = w.handles[side]!;
    return handle !== 0 && OPEN.has(state) && s.look(handle)
      ? { iss: s.field("iss"), irs: s.field("irs") }
      : undefined;
  };
  const ca = numbers(CLIENT, a), sb = numbers(SERVER, b);
  if (a === "ESTABLISHED" && b === "ESTABLISHED" && ca && sb && (ca.iss !== sb.irs || ca.irs !== sb.iss)) {
    throw new Violation(
      `both are ESTABLISHED and disagree: client ISS ${ca.iss} IRS ${ca.irs}, server ISS ${sb.iss} IRS ${sb.irs}`,
    );
  }
  // A connection that exists at the server was wanted by this client: what two steps cannot promise.
  const wanted =
    w.scenario.client.slice(0, w.done[CLIENT]).includes("connect")
    || w.scenario.before?.client.includes("connect");
  if (b === "ESTABLISHED" && !wanted)
    throw new Violation("the server is ESTABLISHED, and the client never asked for it");
  if (b === "ESTABLISHED" && a === "ESTABLISHED" && sb && ca && sb.irs !== ca.iss)
    throw new Violation("the server is ESTABLISHED with a SYN of an earlier incarnation");
  if (w.scenario.twoSteps && b === "ESTABLISHED" && a === "SYN-SENT" && sb) {
    const iss = w.sides[0].stack.info(w.handles[0]).iss;
    if (sb.irs !== iss)
      throw new Violation(`the server is ESTABLISHED with ISN ${sb.irs}, the client is opening with ${iss}`);
  }
}

/**
 * After an attack, on a perfect network: frames stop, who agreed before it (`agreed`) still does, what was taken is
 * given back, and an honest connection works. Undefined, or what is wrong.
 */
export function survives(w: World, agreed: boolean): string | undefined {
  try {
    // A handshake that is attacked may fail, and leave one end that believes: it finds out when it says something.
    const wrong = recovers(w);
    if (wrong !== undefined && agreed) return wrong;
    if (agreed && !agree(w)) return `the connection was lost: ${w.sides.map((s) => s.state()).join(" and ")}`;
    honest(w);
    passes(w);
  } catch (e) {
    if (!(e instanceof Violation)) throw e;
    return e.message;
  }
  for (const { stack, index } of w.sides) {
    const { halfOpenFree, rangesFree } = stack.pools();
    if (halfOpenFree !== stack.configured("halfOpenMax") || rangesFree !== stack.configured("rangesMax")) {
      return `the ${index === CLIENT ? "client" : "server"} has not got back what the attacker took: `
        + `${halfOpenFree} half-open records and ${rangesFree} ranges are free`;
    }
  }
  return undefined;
}

/** Both are ESTABLISHED, with each other. */
export function agree(w: World): boolean {
  const [a, b] = [w.known(CLIENT), w.known(SERVER)];
  return a?.stateName === "ESTABLISHED" && b?.stateName === "ESTABLISHED" && a.iss === b.irs && a.irs === b.iss;
}

/** An honest connection between the two, from another port. */
function honest(w: World): void {
  const port = PORTS[CLIENT] + 1;
  w.sides[CLIENT].stack.connect(IPS[SERVER], PORTS[SERVER], port);
  w.poll(CLIENT);
  for (let i = 0; i < 20 && w.flights.length > 0; i++) w.deliver(0);
  const state = w.sides[CLIENT].stack.flowState(IPS[CLIENT], port, IPS[SERVER], PORTS[SERVER]);
  if (state !== "ESTABLISHED") throw new Violation(`an honest connection is ${state} after an attack`);
}

/** Everything arrives, and time passes, until nothing is left to happen. */
function passes(w: World): void {
  let frames = 0;
  for (let i = 0; i < 400; i++) {
    if (w.flights.length > 0) {
      if (++frames > FRAMES_MAX) throw new Violation(`frames do not stop: ${FRAMES_MAX} in no time`);
      w.deliver(0);
      continue;
    }
    frames = 0;
    const next = w.nextTimer();
    if (next === Infinity) break;
    w.now = next;
    w.poll(CLIENT);
    w.poll(SERVER);
  }
}

/** From here on the network is perfect and time passes: do both ends come to agree? Changes the state. */
export function recovers(w: World): string | undefined {
  // Whoever believes in a connection has something to say: that is how a half-open one is found (RFC 9293 §3.5.1).
  for (const side of [CLIENT, SERVER]) {
    try {
      if (["ESTABLISHED", "CLOSE-WAIT"].includes(w.sides[side]!.state()) && w.handles[side] !== 0) {
        w.sent[side]! += w.sides[side]!.stack.send(
          w.handles[side]!, Uint8Array.of(byteOf(side, w.sent[side]!)),
        );
      }
    } catch { /* it has closed already */ }
    w.poll(side);
  }
  passes(w);
  const [a, b] = [w.sides[0].state(), w.sides[1].state()];
  const gone = (s: string): boolean => s === "CLOSED" || s === "LISTEN";
  if (gone(a) && gone(b)) return undefined;
  const waiting = [a, b].findIndex((s) => s === "FIN-WAIT-2");
  if (waiting >= 0 && gone([a, b][1 - waiting]!)) {
    // FIN-WAIT-2 has no timer while its application holds on (RFC 9293 §3.6): it has to let go, or to have turned
    // keep-alive on.
    w.sides[waiting]!.stack.close(w.handles[waiting]!);
    w.handles[waiting] = 0;
    passes(w);
    return gone(w.sides[waiting]!.state())
      ? undefined
      : "FIN-WAIT-2 does not end although its application has let go";
  }
  const agree = a === b || [a, b].sort().join() === "CLOSE-WAIT,FIN-WAIT-2";
  if (!agree) return `they stay in ${a} and ${b}`;
  const [ia, ib] = w.sides.map((s, i) => s.stack.info(w.handles[i]!));
  return ia!.iss === ib!.irs && ia!.irs === ib!.iss && ia!.sndUna === ib!.rcvNxt && ib!.sndUna === ia!.rcvNxt
    ? undefined
    : `they stay in ${a} and ${b} with numbers that do not fit`;
}
