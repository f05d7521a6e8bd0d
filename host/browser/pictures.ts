/** What the ladder shows: the lab's frames up to now, or a connection of a capture. */
import { parseIp } from "../address.js";
import { isForeign, type Segment } from "../lab/analyze.js";
import { labelOf, numbersOf } from "../lab/ladder.js";
import { TIMER } from "../stack.js";
import type { Arrow, Picture, TimerMark } from "./canvas.js";
import { TIMER_NAMES } from "./ends.js";
import type { Page } from "./page.js";

/** The lab's frames, with states, and timers that run. */
export function labPicture(page: Page): Picture {
  const { lab } = page, segments = page.segments();
  const attacked = lab.scenario.script.some((a) => a.do === "flood");
  const shift = attacked ? 1 : 0;
  const columns = [...(attacked ? ["attacker"] : []), ...lab.hosts.map((h) => h.name)];
  const arrows: Arrow[] = [];
  lab.frames.forEach((f, i) => {
    const s = segments[i];
    if (!s) return;
    const owners = (ip: number): number[] => lab.hosts.flatMap((h, k) => (parseIp(h.ip) === ip ? [k] : []));
    const from = owners(s.tcp.src), to = owners(s.tcp.dst), nobody = to.length === 0;
    // What an outsider sends comes from the left, whatever it says; what goes to nobody goes there. Of several
    // servers, the one that had it.
    const a = from.length > 1 ? server(page, s.tcp.dst, s.tcp.dstPort, from) : (from[0] ?? -shift);
    const b = to.length > 1 ? server(page, s.tcp.src, s.tcp.srcPort, to) : (to[0] ?? -shift);
    arrows.push({
      frame: i, from: a + shift, to: b + shift, timeUs: f.timeUs, endUs: nobody ? null : (f.arrivesUs ?? null),
      label: labelOf(s), numbers: numbersOf(s), again: s.marks.includes("retransmission"),
      cookie: s.marks.includes("cookie"), foreign: isForeign(f.fate),
      ...(s.again === undefined ? {} : { againUs: earlier(page, s)?.timeUs ?? 0 }),
    });
  });
  return {
    columns,
    arrows,
    states: lab.changes
      .filter(
        (c, i, all) => lab.flows.length < 4 && all.findLast((x, j) => j < i && x.host === c.host)?.state !== c.state,
      )
      .map((c) => ({ ...c, host: c.host + shift })),
    timers: timers(page, arrows),
    nowUs: lab.nowUs,
    selected: page.selected,
    startUs: lab.startUs,
  };
}

/** Which of several hosts with one address has the flow from an address and port. */
function server(page: Page, ip: number, port: number, hosts: number[]): number {
  return hosts[page.lab.shareOf(ip, port, hosts.length)]!;
}

function earlier(page: Page, s: Segment): Segment | undefined {
  return page.analysis.connections().find((c) => c.segments.includes(s))?.segments[s.again!];
}

/** A bracket from a segment to when it was sent again, and from now to when a timer fires. */
function timers(page: Page, arrows: Arrow[]): TimerMark[] {
  const { lab } = page, out: TimerMark[] = [];
  if (arrows.length < 300)
    for (const a of arrows)
      if (a.againUs && a.timeUs > a.againUs)
        out.push({
          host: a.from, fromUs: a.againUs, toUs: a.timeUs, label: `${((a.timeUs - a.againUs) / 1000).toFixed(0)} ms`,
        });
  if (lab.isOver) return out;
  lab.hosts.forEach((_, host) => {
    const info = lab.inspect(host)[0]?.info;
    if (!info || !Number.isFinite(info.timerMs) || info.timerKind === TIMER.NONE) return;
    if (lab.served.spoofed > 0) return;
    out.push({
      host, fromUs: lab.nowUs, toUs: lab.nowUs + info.timerMs * 1000,
      label: `${TIMER_NAMES[info.timerKind]} in ${info.timerMs} ms`,
    });
  });
  return out;
}

/** A connection of a capture. */
export function capturePicture(page: Page): Picture {
  const c = page.capture!.connection;
  if (!c) return { columns: [], states: [], timers: [], nowUs: 0, selected: -1, startUs: 0, arrows: [] };
  const startUs = c.segments[0]!.timeUs, states: Picture["states"] = [];
  let last = ["", ""];
  for (const s of c.segments) {
    for (const host of [0, 1])
      if (s.states[host as 0 | 1] !== last[host])
        states.push({ host, timeUs: s.timeUs, state: s.states[host as 0 | 1] });
    last = s.states;
  }
  return {
    columns: c.names, states, timers: [], nowUs: c.segments.at(-1)!.timeUs + 2, selected: page.selected, startUs,
    arrows: c.segments.map((s, i) => ({
      frame: i, from: s.from, to: 1 - s.from, timeUs: s.timeUs, endUs: s.timeUs + 1, label: labelOf(s),
      numbers: numbersOf(s), again: s.marks.includes("retransmission"), cookie: false, foreign: false,
    })),
  };
}
