/** The handshake lab's page: the stack that ships, on a wire that one can look at. */
import { Analysis, isForeign, type Connection, type Segment } from "../lab/analyze.js";
import { Lab, type Action, type UserAct } from "../lab/lab.js";
import { labelOf, numbersOf, plural } from "../lab/ladder.js";
import { SCENARIOS, scenarioNamed } from "../lab/scenarios.js";
import { decodeTcp, FLAGS, type FlagName } from "../decode.js";
import { formatIp, parseIp } from "../address.js";
import { pcapngHead, pcapngPacket, concat } from "../links/pcapng.js";
import { CaptureError, readCapture } from "../links/read-capture.js";
import type { TcpInfo } from "../stack.js";
import { LadderCanvas, type Arrow, type Picture, type TimerMark } from "./canvas.js";
import { fieldsOf, type Field } from "./fields.js";
import { machineSvg } from "./machine.js";

declare const STINT_WASM: string;

const $ = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const make = <K extends keyof HTMLElementTagNameMap>(tag: K, props: Partial<HTMLElementTagNameMap[K]> = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] => {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
};
const module = new WebAssembly.Module(Uint8Array.from(atob(STINT_WASM), (c) => c.charCodeAt(0)));
/** A field's colour, in the header and in the bytes. */
const hue = (field: number): number => (field * 47) % 360;
/** Frames of a capture that are read at most; a page has only so much memory. */
const CAPTURE_MAX = 400_000;
const TIMER_NAMES = ["", "RTO", "persist", "reordering", "tail probe"];

interface Sample { step: number; timeUs: number; cwnd: number; ssthresh: number; srttMs: number; rtoMs: number }

class Page {
  lab!: Lab;
  analysis = new Analysis();
  /** What was analysed: to notice that frames were changed or taken back. */
  #read: readonly unknown[] = [];
  samples: Sample[] = [];
  playing = false;
  selected = -1;
  field = -1;
  capture: { name: string; connections: Connection[]; chosen: number } | null = null;
  readonly ladder = new LadderCanvas($<HTMLCanvasElement>("ladder"), $("scroll"), $("spacer"));
  #debtMs = 0;
  #lastFrame = 0;
  #shownStep = -1;

  constructor() {
    for (const s of SCENARIOS) $<HTMLSelectElement>("scenario").append(make("option", { value: s.name }, s.title));
    this.#controls();
    this.#forge();
    this.ladder.onPick = (frame) => this.select(frame);
    if (!this.#fromUrl()) this.open(SCENARIOS[0]!.name);
    addEventListener("hashchange", () => { if (location.hash !== this.#url()) this.#fromUrl(); });
    requestAnimationFrame((t) => this.#tick(t));
  }

  // What is shown

  open(name: string, variant?: string, seed = Number($<HTMLInputElement>("seed").value) || 1, acts: UserAct[] = []): void {
    const scenario = scenarioNamed(name), variants = Object.keys(scenario.variants ?? {});
    this.capture = null;
    this.lab = new Lab(module, scenario, seed, variant ?? variants[0] ?? "", acts);
    $<HTMLSelectElement>("scenario").value = name;
    $<HTMLInputElement>("seed").value = String(seed);
    $("variant-label").hidden = variants.length === 0;
    $("variant").replaceChildren(...variants.map((v) => make("option", { value: v, selected: v === this.lab.variant }, v)));
    $("sentence").textContent = scenario.sentence;
    $("explanation").replaceChildren(...this.lab.scenario.explanation.map((p) => make("p", {}, p)));
    this.selected = -1;
    this.samples = [];
    this.#consoles();
    this.#play(false);
    this.show();
    this.say("Press play, or go step by step.");
  }

  say(text: string): void {
    $("status").textContent = text;
  }

  /** The frames' segments, read as far as they are known. */
  segments(): (Segment | null)[] {
    if (this.capture) return [];
    const { frames } = this.lab, n = this.analysis.segments.length;
    const same = n <= frames.length && (n === 0 || (this.#read[n - 1] === frames[n - 1] && this.#read[0] === frames[0] && this.#unchanged(n)));
    if (!same) this.analysis = new Analysis();
    for (let i = this.analysis.segments.length; i < frames.length; i++) this.analysis.take(frames[i]!);
    this.#read = [...frames];
    return this.analysis.segments;
  }

  #unchanged(n: number): boolean {
    // Only what is still on its way, or was so a moment ago, can have been changed.
    for (let i = Math.max(0, n - 200); i < n; i++) if (this.#read[i] !== this.lab.frames[i]) return false;
    return true;
  }

  current(): Segment | null {
    if (this.capture) return this.capture.connections[this.capture.chosen]?.segments[this.selected] ?? null;
    return this.segments()[this.selected] ?? null;
  }

  show(follow = true): void {
    this.ladder.show(this.capture ? this.#capturePicture() : this.#labPicture(), follow && !this.capture);
    this.#list();
    this.#segment();
    this.#machine();
    this.#tcb();
    this.#shownStep = this.lab.step;
    const over = this.capture === null && this.lab.isOver;
    $<HTMLCanvasElement>("ladder").setAttribute("aria-label", `Ladder diagram, ${this.ladder.picture.arrows.length} segments${over ? ", at its end" : ""}`);
  }

  #labPicture(): Picture {
    const { lab } = this, segments = this.segments(), attacked = lab.scenario.script.some((a) => a.do === "flood"), shift = attacked ? 1 : 0;
    const columns = [...(attacked ? ["attacker"] : []), ...lab.hosts.map((h) => h.name)];
    const arrows: Arrow[] = [];
    lab.frames.forEach((f, i) => {
      const s = segments[i];
      if (!s) return;
      const owners = (ip: number): number[] => lab.hosts.flatMap((h, k) => (parseIp(h.ip) === ip ? [k] : []));
      const from = owners(s.tcp.src), to = owners(s.tcp.dst), nobody = to.length === 0;
      // What an outsider sends comes from the left, whatever it says; what goes to nobody goes there. Of several servers, the one that had it.
      const a = from.length > 1 ? this.#server(s.tcp.dst, s.tcp.dstPort, from) : from[0] ?? -shift, b = to.length > 1 ? this.#server(s.tcp.src, s.tcp.srcPort, to) : to[0] ?? -shift;
      arrows.push({
        frame: i, from: a + shift, to: b + shift, timeUs: f.timeUs, endUs: nobody ? null : f.arrivesUs ?? null, label: labelOf(s), numbers: numbersOf(s), again: s.marks.includes("retransmission"),
        cookie: s.marks.includes("cookie"), foreign: isForeign(f.fate), ...(s.again === undefined ? {} : { againUs: this.#earlier(s)?.timeUs ?? 0 }),
      });
    });
    return { columns, arrows, states: lab.changes.filter((c, i, all) => lab.flows.length < 4 && all.findLast((x, j) => j < i && x.host === c.host)?.state !== c.state).map((c) => ({ ...c, host: c.host + shift })), timers: this.#timers(arrows), nowUs: lab.nowUs, selected: this.selected, startUs: lab.startUs };
  }

  /** Which of several hosts with one address has the flow from an address and port. */
  #server(ip: number, port: number, hosts: number[]): number {
    return hosts[this.lab.shareOf(ip, port, hosts.length)]!;
  }

  #earlier(s: Segment): Segment | undefined {
    return this.analysis.connections().find((c) => c.segments.includes(s))?.segments[s.again!];
  }

  /** A bracket from a segment to when it was sent again, and from now to when a timer fires. */
  #timers(arrows: Arrow[]): TimerMark[] {
    const { lab } = this, out: TimerMark[] = [];
    if (arrows.length < 300) for (const a of arrows) if (a.againUs && a.timeUs > a.againUs) out.push({ host: a.from, fromUs: a.againUs, toUs: a.timeUs, label: `${((a.timeUs - a.againUs) / 1000).toFixed(0)} ms` });
    if (lab.isOver) return out;
    lab.hosts.forEach((_, host) => {
      const info = lab.inspect(host)[0]?.info;
      if (!info || !Number.isFinite(info.timerMs) || info.timerKind === 0) return;
      if (lab.served.spoofed > 0) return;
      out.push({ host, fromUs: lab.nowUs, toUs: lab.nowUs + info.timerMs * 1000, label: `${TIMER_NAMES[info.timerKind]} in ${info.timerMs} ms` });
    });
    return out;
  }

  #capturePicture(): Picture {
    const c = this.capture!.connections[this.capture!.chosen]!, startUs = c.segments[0]!.timeUs, states: Picture["states"] = [];
    let last = ["", ""];
    for (const s of c.segments) {
      for (const host of [0, 1]) if (s.states[host as 0 | 1] !== last[host]) states.push({ host, timeUs: s.timeUs, state: s.states[host as 0 | 1] });
      last = s.states;
    }
    return {
      columns: c.names, states, timers: [], nowUs: c.segments.at(-1)!.timeUs + 2, selected: this.selected, startUs,
      arrows: c.segments.map((s, i) => ({ frame: i, from: s.from, to: 1 - s.from, timeUs: s.timeUs, endUs: s.timeUs + 1, label: labelOf(s), numbers: numbersOf(s), again: s.marks.includes("retransmission"), cookie: false, foreign: false })),
    };
  }

  #list(): void {
    if (!$<HTMLDetailsElement>("list-box").open) return;
    const { arrows } = this.ladder.picture, from = Math.max(0, arrows.length - 300);
    $<HTMLOListElement>("list").start = from + 1;
    $("list").replaceChildren(...arrows.slice(from).map((a) => make("li", {}, Object.assign(make("button", { onclick: () => this.select(a.frame) }, `${((a.timeUs - this.ladder.picture.startUs) / 1000).toFixed(1)} ms ${this.ladder.picture.columns[a.from]}: ${a.label}, ${a.numbers}${a.endUs === null ? ", lost" : ""}`), { ariaCurrent: String(a.frame === this.selected) }))));
  }

  select(frame: number): void {
    this.selected = frame;
    this.field = -1;
    this.show(false);
    this.ladder.reveal(frame);
  }

  // The segment

  #segment(): void {
    const s = this.current(), box = $("segment");
    if (!s) {
      box.replaceChildren(make("p", { className: "hint" }, "Choose an arrow."));
      return;
    }
    const bytes = this.capture ? this.#captured[s.frame]! : this.lab.frames[s.frame]!.bytes, fields = fieldsOf(bytes, s);
    const parts: Node[] = [make("p", { className: "says" }, s.says), ...this.#fates(s)];
    let grid: HTMLDivElement | null = null, layer = "";
    fields.forEach((f, i) => {
      if (f.layer !== layer) {
        layer = f.layer;
        parts.push(make("div", { className: "layer" }, f.layer));
        grid = make("div", { className: "header-grid" });
        parts.push(grid);
      }
      const button = make("button", { type: "button", onclick: () => this.#choose(i) }, make("span", {}, f.name), make("span", { className: "v" }, f.value));
      button.style.gridColumn = `span ${Math.min(32, f.bits)}`;
      button.style.setProperty("--hue", String(hue(i)));
      button.ariaPressed = String(i === this.field);
      grid!.append(button);
    });
    const chosen = fields[this.field];
    parts.push(make("p", { className: "says", id: "field-says" }, chosen ? `${chosen.name}: ${chosen.value}. ${chosen.says}` : "Choose a field: what it is, and why it has this value."));
    const dump = make("div", { className: "bytes", ariaLabel: "Bytes" });
    for (let i = 0; i < Math.min(bytes.length, 512); i++) {
      const f = fields.findIndex((x) => i * 8 + 7 >= x.at && i * 8 < x.at + x.bits);
      const on = chosen !== undefined && i * 8 + 7 >= chosen.at && i * 8 < chosen.at + chosen.bits;
      const span = make("span", { className: on ? "on" : "", onclick: () => this.#choose(f) }, bytes[i]!.toString(16).padStart(2, "0"));
      span.style.setProperty("--hue", String(hue(f)));
      dump.append(span, i % 16 === 15 ? "\n" : i % 8 === 7 ? "  " : " ");
    }
    if (bytes.length > 512) dump.append(`… and ${bytes.length - 512} more`);
    parts.push(dump);
    box.replaceChildren(...parts);
  }

  #choose(i: number): void {
    this.field = i;
    this.#segment();
    $("segment").querySelectorAll<HTMLElement>(".header-grid button")[i]?.focus({ preventScroll: true });
  }

  /** What can be done to a segment that is on its way. */
  #fates(s: Segment): Node[] {
    const flight = this.capture ? undefined : this.lab.flights.find((f) => f.id === s.frame);
    if (!flight) return [];
    const act = (fate: "drop" | "delay" | "duplicate" | "corrupt") => make("button", { type: "button", onclick: () => this.act({ act: "fate", flight: flight.id, fate }) }, fate[0]!.toUpperCase() + fate.slice(1));
    const edit = make("button", { type: "button", onclick: () => {
      const value = (id: string): string => $<HTMLInputElement>(id).value;
      this.act({ act: "edit", flight: flight.id, fields: { seq: Number(value("edit-seq")) >>> 0, ack: Number(value("edit-ack")) >>> 0, absolute: true, flags: value("edit-flags").split(/[\s,]+/).filter((x): x is FlagName => (FLAGS as readonly string[]).includes(x)) } });
    } }, "Edit");
    return [make("div", { className: "fates" }, "It is on its way: ", act("drop"), act("delay"), act("duplicate"), act("corrupt"),
      make("label", {}, "SEQ ", make("input", { id: "edit-seq", value: String(s.tcp.seq), size: 10 })), make("label", {}, "ACK ", make("input", { id: "edit-ack", value: String(s.tcp.ack), size: 10 })),
      make("label", {}, "flags ", make("input", { id: "edit-flags", value: s.tcp.flags.join(" "), size: 10 })), edit)];
  }

  // The ends

  #machine(): void {
    if (this.capture) {
      const c = this.capture.connections[this.capture.chosen]!, upTo = c.segments.slice(0, this.selected < 0 ? undefined : this.selected + 1);
      const path = (i: 0 | 1): string[] => upTo.map((s) => s.states[i]).filter((s, k, all) => s !== all[k - 1]);
      $("machine").innerHTML = machineSvg(["client", "server"], [path(0), path(1)]);
      return;
    }
    const path = (host: number): string[] => this.lab.changes.filter((c) => c.host === host).map((c) => c.state);
    $("machine").innerHTML = machineSvg([this.lab.hosts[0]!.name, this.lab.hosts[1]!.name], [path(0), path(1)]);
  }

  #tcb(): void {
    if (this.capture) {
      const c = this.capture.connections[this.capture.chosen]!;
      $("tcb").replaceChildren(...(c.findings.length > 0 ? [make("ul", {}, ...c.findings.map((f) => make("li", {}, f)))] : [make("p", {}, "Nothing stands out.")]));
      return;
    }
    const { lab } = this, parts: Node[] = [];
    if (lab.served.began > 0) parts.push(make("p", {}, `${lab.served.connected} of ${lab.served.began} honest clients connected, among ${lab.served.spoofed} spoofed SYNs.`));
    lab.hosts.forEach((h, i) => {
      const list = lab.inspect(i);
      if (list.length === 0 || list.length > 3) return;
      for (const { info, got, text } of list) parts.push(make("h3", {}, h.name), this.#table(info, got, text), this.#windows(info));
    });
    if (this.samples.length > 1) parts.push(this.#plot());
    for (const n of lab.notes.slice(-5)) parts.push(make("p", { className: "hint" }, n.text));
    $("tcb").replaceChildren(...(parts.length > 0 ? parts : [make("p", { className: "hint" }, "No connection yet.")]));
  }

  #table(t: TcpInfo, got: number, text: string): HTMLElement {
    const rel = (n: number, base: number): string => `${(n - base) >>> 0}`;
    const rows: [string, string][] = [
      ["state", t.stateName], ["SND.UNA", rel(t.sndUna, t.iss)], ["SND.NXT", rel(t.sndNxt, t.iss)], ["SND.WND", String(t.sndWnd)], ["ISS", String(t.iss)], ["RCV.NXT", rel(t.rcvNxt, t.irs)], ["RCV.WND", String(t.rcvWnd)], ["IRS", String(t.irs)],
      ["cwnd", String(t.cwnd)], ["ssthresh", t.ssthresh > 1e9 ? "∞" : String(t.ssthresh)], ["SRTT", `${(t.srttUs / 1000).toFixed(1)} ms`], ["RTO", `${(t.rtoUs / 1000).toFixed(0)} ms`], ["timer", t.timerKind ? `${TIMER_NAMES[t.timerKind]}, ${t.timerMs} ms` : "none"], ["read", `${got} bytes`],
    ];
    const table = make("table");
    for (let i = 0; i < rows.length; i += 2) table.append(make("tr", {}, ...rows.slice(i, i + 2).flatMap(([k, v]) => [make("th", { scope: "row" }, k), make("td", {}, v)])));
    return make("div", { className: "scrolls" }, table, ...(text ? [make("p", { className: "hint" }, `“${text.slice(-60)}”`)] : []));
  }

  /** The send and the receive window over the sequence space. */
  #windows(t: TcpInfo): HTMLElement {
    const bar = (label: string, parts: [number, string, string][]): string => {
      const total = Math.max(1, parts.reduce((n, [size]) => n + size, 0));
      let x = 0;
      return `<div class="hint" style="font-size:.75rem">${label}</div><svg viewBox="0 0 300 16" preserveAspectRatio="none" width="100%" height="16" role="img" aria-label="${label}: ${parts.map(([n, , what]) => `${what} ${n}`).join(", ")}">` +
        parts.map(([size, colour, what]) => {
          const w = (300 * size) / total, r = `<rect x="${x}" width="${w}" height="16" fill="var(${colour})"><title>${what}: ${size} bytes</title></rect>`;
          x += w;
          return r;
        }).join("") + "</svg>";
    };
    const inFlight = (t.sndNxt - t.sndUna) >>> 0, box = make("div");
    box.innerHTML = bar("send window: in flight, sent next", [[inFlight, "--again", "in flight"], [Math.max(0, t.sndWnd - inFlight), "--good", "may be sent"]]) + bar("receive window: to be read, room", [[t.rcvSize, "--left", "to be read"], [t.rcvWnd, "--good", "room"]]);
    return box;
  }

  #plot(): HTMLElement {
    const s = this.samples, w = 300, h = 90, t0 = s[0]!.timeUs, t1 = Math.max(t0 + 1, s.at(-1)!.timeUs);
    const path = (value: (x: Sample) => number, most: number): string => s.map((x, i) => `${i ? "L" : "M"}${((w * (x.timeUs - t0)) / (t1 - t0)).toFixed(1)} ${(h - 4 - (h - 10) * Math.min(1, value(x) / most)).toFixed(1)}`).join("");
    const bytes = Math.max(1, ...s.map((x) => x.cwnd)), ms = Math.max(1, ...s.map((x) => x.rtoMs)), box = make("div");
    const line = (d: string, colour: string): string => `<path d="${d}" fill="none" stroke="var(${colour})" stroke-width="1.6"/>`;
    box.innerHTML = `<div class="hint" style="font-size:.75rem">cwnd (blue), ssthresh (orange), to ${bytes} bytes; SRTT (green), RTO (red), to ${ms.toFixed(0)} ms</div><svg viewBox="0 0 ${w} ${h}" width="100%" role="img" aria-label="Windows and times of the client over time">` +
      line(path((x) => x.cwnd, bytes), "--left") + line(path((x) => Math.min(x.ssthresh, bytes), bytes), "--again") + line(path((x) => x.srttMs, ms), "--good") + line(path((x) => x.rtoMs, ms), "--bad") + "</svg>";
    return box;
  }

  // Time

  #sample(): void {
    const { lab } = this, info = lab.inspect(0)[0]?.info;
    if (this.samples.length > 0 && this.samples.at(-1)!.step >= lab.step) this.samples = this.samples.filter((s) => s.step < lab.step);
    if (info) this.samples.push({ step: lab.step, timeUs: lab.nowUs, cwnd: info.cwnd, ssthresh: info.ssthresh, srttMs: info.srttUs / 1000, rtoMs: info.rtoUs / 1000 });
  }

  next(): boolean {
    if (this.capture || this.lab.isOver) return false;
    const did = this.lab.next();
    this.#sample();
    return did;
  }

  act(act: Parameters<Lab["user"]>[0]): void {
    this.lab.user(act);
    this.#sample();
    this.show();
  }

  #play(on: boolean): void {
    this.playing = on;
    $("play").textContent = on ? "❙❙ Pause" : "▶ Play";
    $("play").ariaPressed = String(on);
    this.#debtMs = 0;
  }

  #tick(now: number): void {
    const passed = Math.min(100, now - this.#lastFrame);
    this.#lastFrame = now;
    if (this.playing) {
      const speed = Number($<HTMLSelectElement>("speed").value), until = performance.now() + 12;
      if (speed === Infinity) while (performance.now() < until && this.next());
      else {
        this.#debtMs += passed * speed;
        while (performance.now() < until && this.lab.nextUs <= this.lab.nowUs + this.#debtMs * 1000 && !this.lab.isOver) {
          this.#debtMs -= Math.max(0, (this.lab.nextUs - this.lab.nowUs) / 1000);
          this.next();
        }
        // Long silences are cut short.
        if (this.lab.nextUs - this.lab.nowUs > 2e6 * speed && this.#debtMs > 700 * speed) this.next();
      }
      if (this.lab.isOver) {
        this.#play(false);
        this.say(`The end. ${this.lab.frames.length} segments in ${this.lab.timeMs.toFixed(0)} ms.`);
      }
      if (this.#shownStep !== this.lab.step) this.show();
    }
    requestAnimationFrame((t) => this.#tick(t));
  }

  goTo(step: number): void {
    this.#play(false);
    this.lab.goTo(Math.max(0, step));
    this.samples = this.samples.filter((s) => s.step <= this.lab.step);
    if (this.selected >= this.lab.frames.length) this.selected = -1;
    this.show();
    this.say(`Step ${this.lab.step}, ${this.lab.timeMs.toFixed(1)} ms.`);
  }

  // Links

  #url(): string {
    const q = new URLSearchParams({ scenario: this.lab.scenario.name, seed: String(this.lab.seed), step: String(this.lab.step) });
    if (this.lab.variant) q.set("variant", this.lab.variant);
    if (this.lab.acts.length > 0) q.set("acts", btoa(JSON.stringify(this.lab.acts)));
    return `#${q}`;
  }

  #fromUrl(): boolean {
    const q = new URLSearchParams(location.hash.slice(1)), name = q.get("scenario");
    if (name === null) return false;
    try {
      this.open(name, q.get("variant") ?? undefined, Number(q.get("seed")) || 1, JSON.parse(atob(q.get("acts") ?? btoa("[]"))) as UserAct[]);
      const step = Number(q.get("step"));
      while (this.lab.step < step && this.lab.next()) this.#sample();
      this.show();
      return true;
    } catch (e) {
      this.open(SCENARIOS[0]!.name);
      this.say(`This link leads nowhere: ${(e as Error).message}`);
      return true;
    }
  }

  // Captures

  #captured: Uint8Array[] = [];

  read(name: string, bytes: Uint8Array): void {
    try {
      const { frames, warnings } = readCapture(bytes);
      const kept = frames.slice(0, CAPTURE_MAX), analysis = new Analysis();
      for (const f of kept) analysis.take(f);
      const connections = analysis.connections();
      if (connections.length === 0) throw new CaptureError(`there is no TCP over IPv4 in its ${frames.length} frames`);
      this.#play(false);
      this.#captured = kept.map((f) => f.bytes);
      this.capture = { name, connections, chosen: 0 };
      this.selected = -1;
      $("sentence").textContent = `${name}: ${plural(kept.length, "frame")}, ${plural(connections.length, "connection")}`;
      this.#chooser();
      this.show(false);
      this.say([...warnings, ...(frames.length > kept.length ? [`only the first ${CAPTURE_MAX} of ${frames.length} frames are shown`] : [])].join("; ") || `${name} is open.`);
    } catch (e) {
      if (!(e instanceof CaptureError)) throw e;
      this.say(`${name}: ${e.message}.`);
    }
  }

  #chooser(): void {
    const { connections, chosen } = this.capture!;
    const select = make("select", { id: "connection", onchange: () => {
      this.capture!.chosen = Number(select.value);
      this.selected = -1;
      this.show(false);
    } }, ...connections.slice(0, 2000).map((c, i) => make("option", { value: String(i), selected: i === chosen }, `${c.names[0]} → ${c.names[1]}, ${c.segments.length} segments${c.findings[0] ? `: ${c.findings[0]}` : ""}`)));
    $("explanation").replaceChildren(make("label", {}, "Connection ", select), make("p", {}, "States are those that both ends must be in. What went wrong stands under Connections; choose a segment to see what it says."));
  }

  save(): void {
    const blob = new Blob([concat([pcapngHead(["wire"]), ...this.lab.frames.map((f) => pcapngPacket(f.timeUs, f.bytes, 0, f.fate ?? ""))]) as Uint8Array<ArrayBuffer>], { type: "application/octet-stream" });
    const a = make("a", { href: URL.createObjectURL(blob), download: `${this.lab.scenario.name}.pcapng` });
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
    this.say(`${this.lab.frames.length} frames saved as ${a.download}.`);
  }

  // Hands

  #controls(): void {
    const scenario = $<HTMLSelectElement>("scenario"), on = (id: string, f: () => void): void => $(id).addEventListener("click", f);
    scenario.onchange = () => this.open(scenario.value);
    $<HTMLSelectElement>("variant").onchange = () => this.open(scenario.value, $<HTMLSelectElement>("variant").value);
    $("seed").onchange = () => this.open(scenario.value, this.lab.variant || undefined);
    on("play", () => this.#toggle());
    on("step", () => this.#one());
    on("back", () => this.goTo(this.lab.step - 1));
    on("restart", () => this.goTo(0));
    on("zoom-in", () => this.#zoom(1.25));
    on("zoom-out", () => this.#zoom(0.8));
    on("save", () => this.save());
    on("share", () => {
      history.replaceState(null, "", this.#url());
      // A page that no secure connection brought has no clipboard.
      const clipboard = navigator.clipboard as Clipboard | undefined, bar = (): void => this.say("The link is in the address bar.");
      if (clipboard) clipboard.writeText(location.href).then(() => this.say("The link is copied."), bar);
      else bar();
    });
    $("list-box").addEventListener("toggle", () => this.show(false));
    const file = $<HTMLInputElement>("open");
    file.onchange = () => void file.files?.[0]?.arrayBuffer().then((b) => this.read(file.files![0]!.name, new Uint8Array(b)));
    addEventListener("dragover", (e) => {
      e.preventDefault();
      document.body.classList.add("drop");
    });
    addEventListener("dragleave", () => document.body.classList.remove("drop"));
    addEventListener("drop", (e) => {
      e.preventDefault();
      document.body.classList.remove("drop");
      const dropped = e.dataTransfer?.files[0];
      if (dropped) void dropped.arrayBuffer().then((b) => this.read(dropped.name, new Uint8Array(b)));
    });
    addEventListener("keydown", (e) => {
      const target = e.target as HTMLElement;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) || e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.key === " " && target.tagName !== "BUTTON" && target.tagName !== "SUMMARY") this.#toggle();
      else if (e.key === "ArrowRight") this.#one();
      else if (e.key === "ArrowLeft") this.goTo(this.lab.step - 1);
      else if (e.key === "Home") this.goTo(0);
      else if ((e.key === "ArrowDown" || e.key === "ArrowUp") && target.id === "scroll") this.#neighbour(e.key === "ArrowDown" ? 1 : -1);
      else return;
      e.preventDefault();
    });
  }

  #toggle(): void {
    if (!this.playing && !this.capture && this.lab.isOver) this.goTo(0);
    this.#play(!this.playing && !this.capture);
  }

  #one(): void {
    this.#play(false);
    if (this.next()) this.show();
    else this.say("This is the end.");
  }

  #zoom(by: number): void {
    this.ladder.zoom = Math.min(4, Math.max(0.25, this.ladder.zoom * by));
    this.show(false);
  }

  #neighbour(way: number): void {
    const { arrows } = this.ladder.picture, at = arrows.findIndex((a) => a.frame === this.selected), found = arrows[at < 0 ? (way > 0 ? 0 : arrows.length - 1) : at + way];
    if (found) this.select(found.frame);
  }

  #consoles(): void {
    const names = this.lab.hosts.map((h) => h.name);
    $("consoles").replaceChildren(...names.map((host) => {
      const input = make("input", { ariaLabel: `Command for ${host}`, placeholder: `${host}: listen, connect, send hello, close, abort` });
      const run = (): void => {
        const [verb, ...rest] = input.value.trim().split(/\s+/), text = rest.join(" "), other = names.find((n) => n !== host)!;
        const action: Action | null = verb === "listen" ? { do: "listen", host } : verb === "connect" ? { do: "connect", host, to: other, from: 49160 + this.lab.flows.length } : verb === "send" ? { do: "send", host, text: text || "hello" } :
          verb === "close" || verb === "abort" || verb === "restart" ? { do: verb, host } : verb === "stop" ? { do: "stop reading", host } : verb === "read" ? { do: "read again", host } : null;
        if (!action) {
          this.say(`${host}: there is listen, connect, send TEXT, close, abort, stop (reading), read (again), restart.`);
          return;
        }
        input.value = "";
        this.act({ act: "action", action });
        this.say(`${host}: ${verb}.`);
      };
      return make("form", { className: "console", onsubmit: (e) => { e.preventDefault(); run(); } }, make("strong", {}, host), input, make("button", {}, "Do"));
    }), make("div", { className: "fates" }, make("button", { type: "button", onclick: () => this.act({ act: "action", action: { do: "link", up: !this.lab.up } }) }, "Take the link down, or up")));
  }

  /** A segment of one's own. */
  #forge(): void {
    const form = $<HTMLFormElement>("forge"), number = (id: string, label: string): Node => make("label", {}, `${label} `, make("input", { id, type: "number", value: "1" }));
    form.append(make("strong", {}, "Your own segment"), make("label", {}, "in the name of ", make("select", { id: "forge-from" }, make("option", {}, "client"), make("option", {}, "server"))),
      number("forge-seq", "SEQ (relative)"), number("forge-ack", "ACK"), ...(["SYN", "ACK", "FIN", "RST"] as const).map((f) => make("label", {}, make("input", { type: "checkbox", id: `forge-${f}` }), ` ${f}`)),
      make("label", {}, "text ", make("input", { id: "forge-text", size: 10 })), make("button", {}, "Send it"));
    form.onsubmit = (e) => {
      e.preventDefault();
      const value = (id: string): string => $<HTMLInputElement>(id).value, from = value("forge-from");
      const flags = (["SYN", "ACK", "FIN", "RST"] as const).filter((f) => $<HTMLInputElement>(`forge-${f}`).checked);
      this.act({ act: "action", action: { do: "segment", from, to: from === "client" ? "server" : "client", fields: { flags: [...flags], seq: Number(value("forge-seq")), ack: Number(value("forge-ack")), text: value("forge-text") } } });
      this.say("It is on its way.");
    };
  }
}

const page = new Page();
// For tests, and for whoever opens the console.
Object.assign(window, { lab: page, decodeTcp, formatIp, fieldsOf: fieldsOf satisfies (frame: Uint8Array, s: Segment) => Field[] });
