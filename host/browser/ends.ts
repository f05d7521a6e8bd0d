/** Both ends: their states, the numbers of their connections, windows, and how these went over time. */
import { TIMER, type TcpInfo } from "../stack.js";
import { $, make } from "./dom.js";
import { machineSvg } from "./machine.js";
import type { Page } from "./page.js";
import { numbersPlot, sequencePlot } from "./plots.js";

export const TIMER_NAMES: Record<number, string> = {
  [TIMER.NONE]: "", [TIMER.RETRANSMIT]: "RTO", [TIMER.PERSIST]: "persist", [TIMER.REORDER]: "reordering",
  [TIMER.PROBE]: "tail probe",
};

/** Shows the states that both ends went through. */
export function machine(page: Page): void {
  if (page.capture) {
    const segments = page.capture.connection?.segments ?? [];
    const upTo = segments.slice(0, page.selected < 0 ? undefined : page.selected + 1);
    const path = (i: 0 | 1): string[] => upTo.map((s) => s.states[i]).filter((s, k, all) => s !== all[k - 1]);
    $("machine").innerHTML = machineSvg(["client", "server"], [path(0), path(1)]);
    return;
  }
  const path = (host: number): string[] => page.lab.changes.filter((c) => c.host === host).map((c) => c.state);
  $("machine").innerHTML = machineSvg([page.lab.hosts[0]!.name, page.lab.hosts[1]!.name], [path(0), path(1)]);
}

/** Shows their connections; of a capture, what stands out. */
export function tcb(page: Page): void {
  if (page.capture) {
    const c = page.capture.connection, { told } = page.capture;
    $("tcb").replaceChildren(
      ...(c === undefined
        ? [make("p", { className: "hint" }, "No connection yet.")]
        : c.findings.length > 0
          ? [make("ul", {}, ...c.findings.map((f) => make("li", {}, f)))]
          : [make("p", {}, "Nothing stands out.")]),
      ...(c === undefined ? [] : [sequencePlot(c)]),
      ...(told.length > 1 ? [numbersPlot(told, "the stack's own end")] : []),
    );
    return;
  }
  const { lab } = page, parts: Node[] = [];
  if (lab.served.began > 0)
    parts.push(make(
      "p", {},
      `${lab.served.connected} of ${lab.served.began} honest clients connected, `
        + `among ${lab.served.spoofed} spoofed SYNs.`,
    ));
  lab.hosts.forEach((h, i) => {
    const list = lab.inspect(i);
    if (list.length === 0 || list.length > 3) return;
    for (const { info, got, text } of list)
      parts.push(make("h3", {}, h.name), table(info, got, text), windows(info));
  });
  if (page.samples.length > 1) parts.push(numbersPlot(page.samples, "the client"));
  for (const n of lab.notes.slice(-5)) parts.push(make("p", { className: "hint" }, n.text));
  $("tcb").replaceChildren(...(parts.length > 0 ? parts : [make("p", { className: "hint" }, "No connection yet.")]));
}

function table(t: TcpInfo, got: number, text: string): HTMLElement {
  const rel = (n: number, base: number): string => `${(n - base) >>> 0}`;
  const rows: [string, string][] = [
    ["state", t.stateName], ["SND.UNA", rel(t.sndUna, t.iss)], ["SND.NXT", rel(t.sndNxt, t.iss)],
    ["SND.WND", String(t.sndWnd)], ["ISS", String(t.iss)], ["RCV.NXT", rel(t.rcvNxt, t.irs)],
    ["RCV.WND", String(t.rcvWnd)], ["IRS", String(t.irs)], ["cwnd", String(t.cwnd)],
    ["ssthresh", t.ssthresh > 1e9 ? "∞" : String(t.ssthresh)], ["SRTT", `${(t.srttUs / 1000).toFixed(1)} ms`],
    ["RTO", `${(t.rtoUs / 1000).toFixed(0)} ms`],
    ["timer", t.timerKind ? `${TIMER_NAMES[t.timerKind]}, ${t.timerMs} ms` : "none"], ["read", `${got} bytes`],
  ];
  const table = make("table");
  for (let i = 0; i < rows.length; i += 2)
    table.append(make(
      "tr", {}, ...rows.slice(i, i + 2).flatMap(([k, v]) => [make("th", { scope: "row" }, k), make("td", {}, v)]),
    ));
  return make(
    "div", { className: "scrolls", tabIndex: 0, role: "group", ariaLabel: `Numbers: ${t.stateName}` }, table,
    ...(text ? [make("p", { className: "hint" }, `“${text.slice(-60)}”`)] : []),
  );
}

/** The send and the receive window over the sequence space. */
function windows(t: TcpInfo): HTMLElement {
  const bar = (label: string, parts: [number, string, string][]): string => {
    const total = Math.max(1, parts.reduce((n, [size]) => n + size, 0));
    let x = 0;
    return (
      `<div class="hint" style="font-size:.75rem">${label}</div><svg viewBox="0 0 300 16" `
        + `preserveAspectRatio="none" width="100%" height="16" role="img" aria-label="${label}: `
        + `${parts.map(([n, , what]) => `${what} ${n}`).join(", ")}">`
      + parts
        .map(([size, colour, what]) => {
          const w = (300 * size) / total;
          const r = `<rect x="${x}" width="${w}" height="16" fill="var(${colour})"><title>${what}: `
            + `${size} bytes</title></rect>`;
          x += w;
          return r;
        })
        .join("")
      + "</svg>"
    );
  };
  const inFlight = (t.sndNxt - t.sndUna) >>> 0, box = make("div");
  box.innerHTML =
    bar("send window: in flight, sent next", [
      [inFlight, "--again", "in flight"], [Math.max(0, t.sndWnd - inFlight), "--good", "may be sent"],
    ])
    + bar("receive window: to be read, room", [[t.rcvSize, "--left", "to be read"], [t.rcvWnd, "--good", "room"]]);
  return box;
}
