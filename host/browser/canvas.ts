/** The ladder on a canvas: only what is in sight is drawn, so that thousands of segments scroll smoothly. */

export interface Arrow {
  frame: number;
  from: number;
  to: number;
  timeUs: number;
  /** When it arrives; null: never. */
  endUs: number | null;
  label: string;
  numbers: string;
  again: boolean;
  cookie: boolean;
  foreign: boolean;
  /** When what it repeats was sent. */
  againUs?: number;
}

export interface StateMark { host: number; timeUs: number; state: string }
export interface TimerMark { host: number; fromUs: number; toUs: number; label: string }

export interface Picture {
  columns: string[];
  arrows: Arrow[];
  states: StateMark[];
  timers: TimerMark[];
  nowUs: number;
  selected: number;
  startUs: number;
}

const TOP = 56, LEAST = 15, MOST = 46;

const COLOURS = ["ink", "soft", "line", "left", "right", "again", "bad", "good", "ground", "mark"] as const;

/** What everything is painted with: where, how large, from which line on, and in which colours. */
interface Brush {
  c: CanvasRenderingContext2D;
  width: number;
  height: number;
  /** The first line in sight. */
  off: number;
  /** A narrow screen. */
  small: boolean;
  colours: Record<(typeof COLOURS)[number], string>;
}

const font = (px: number, weight = ""): string => `${weight} ${px}px system-ui, sans-serif`;

/** The spacer is as high as the whole ladder, so that the page scrolls; the canvas is as large as what is in sight. */
export class LadderCanvas {
  picture: Picture = { columns: [], arrows: [], states: [], timers: [], nowUs: 0, selected: -1, startUs: 0 };
  zoom = 1;
  #times: number[] = [];
  #ys: number[] = [];
  #queued = false;
  onPick: (frame: number) => void = () => {};

  constructor(readonly canvas: HTMLCanvasElement, readonly scroll: HTMLElement, readonly spacer: HTMLElement) {
    scroll.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(scroll);
    canvas.addEventListener("click", (e) => {
      const box = canvas.getBoundingClientRect();
      const found = this.#near(e.clientX - box.left, e.clientY - box.top + scroll.scrollTop);
      if (found >= 0) this.onPick(found);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Shows another picture; `follow`: the newest is kept in sight. */
  show(picture: Picture, follow: boolean): void {
    this.picture = picture;
    this.#layOut();
    if (follow) this.scroll.scrollTop = Math.max(0, this.#y(picture.nowUs) - this.scroll.clientHeight * 0.75);
    this.draw();
  }

  /** Times to heights: in order, no closer than can be read, no further than a hand. */
  #layOut(): void {
    const { arrows, states, timers, nowUs, startUs } = this.picture, set = new Set<number>([startUs, nowUs]);
    for (const a of arrows) {
      set.add(a.timeUs);
      if (a.endUs !== null) set.add(a.endUs);
    }
    for (const s of states) set.add(s.timeUs);
    for (const t of timers) set.add(t.toUs);
    const times = [...set].filter((t) => t >= startUs).sort((a, b) => a - b), ys: number[] = [];
    let y = TOP + 26;
    times.forEach((t, i) => {
      if (i > 0) {
        const gap = t - times[i - 1]!;
        y += Math.min(MOST, LEAST + 6 * Math.log2(1 + gap / 2000)) * this.zoom;
      }
      ys.push(y);
    });
    this.#times = times;
    this.#ys = ys;
    this.spacer.style.height = `${y + 60}px`;
  }

  #y(us: number): number {
    const t = this.#times, y = this.#ys;
    let lo = 0, hi = t.length - 1;
    if (hi < 0) return TOP;
    if (us >= t[hi]!) return y[hi]!;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (t[mid]! < us) lo = mid + 1;
      else hi = mid;
    }
    if (t[lo] === us || lo === 0) return y[lo]!;
    const share = (us - t[lo - 1]!) / (t[lo]! - t[lo - 1]!);
    return y[lo - 1]! + share * (y[lo]! - y[lo - 1]!);
  }

  #x(column: number): number {
    const width = this.scroll.clientWidth, n = this.picture.columns.length, margin = Math.max(96, width * 0.17);
    return n <= 1 ? width / 2 : margin + (column * (width - 2 * margin)) / (n - 1);
  }

  /** Where an arrow is by now. */
  #line(a: Arrow): { x1: number; y1: number; x2: number; y2: number; flying: boolean } {
    const { nowUs } = this.picture, x1 = this.#x(a.from), x2 = this.#x(a.to), y1 = this.#y(a.timeUs);
    if (a.endUs === null) return { x1, y1, x2: x1 + (x2 - x1) * 0.6, y2: y1 + 14, flying: false };
    const y2 = this.#y(a.endUs);
    if (a.endUs <= nowUs) return { x1, y1, x2, y2, flying: false };
    const share = Math.max(0.04, (nowUs - a.timeUs) / (a.endUs - a.timeUs));
    return { x1, y1, x2: x1 + (x2 - x1) * share, y2: y1 + (y2 - y1) * share, flying: true };
  }

  #near(x: number, y: number): number {
    let best = -1, least = 16;
    for (const a of this.picture.arrows) {
      const l = this.#line(a), dx = l.x2 - l.x1, dy = l.y2 - l.y1;
      const t = Math.max(0, Math.min(1, ((x - l.x1) * dx + (y - l.y1) * dy) / (dx * dx + dy * dy || 1)));
      const d = Math.hypot(x - l.x1 - t * dx, y - l.y1 - t * dy);
      if (d < least) {
        least = d;
        best = a.frame;
      }
    }
    return best;
  }

  /** Brings a segment into sight. */
  reveal(frame: number): void {
    const a = this.picture.arrows.find((x) => x.frame === frame);
    if (!a) return;
    const y = this.#y(a.timeUs), { scrollTop, clientHeight } = this.scroll;
    if (y < scrollTop + TOP || y > scrollTop + clientHeight - 40) this.scroll.scrollTop = y - clientHeight / 2;
  }

  /** With the browser's next frame, however often it is called before. */
  draw(): void {
    if (this.#queued) return;
    this.#queued = true;
    requestAnimationFrame(() => {
      this.#queued = false;
      this.#paint();
    });
  }

  #paint(): void {
    const { canvas, scroll } = this;
    const width = scroll.clientWidth, height = scroll.clientHeight, scale = devicePixelRatio || 1;
    const off = scroll.scrollTop;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const c = canvas.getContext("2d")!, css = getComputedStyle(document.documentElement);
    const colours = Object.fromEntries(COLOURS.map((name) => [name, css.getPropertyValue(`--${name}`).trim()]));
    const brush = { c, width, height, off, small: width < 560, colours: colours as Brush["colours"] };
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.fillStyle = brush.colours.ground;
    c.fillRect(0, 0, width, height);
    c.translate(0, -off);
    this.#paintColumns(brush);
    this.#paintTimers(brush);
    this.#paintNow(brush);
    this.#paintArrows(brush);
    // After all arrows, so that none lies on a label.
    this.#paintLabels(brush);
    this.#paintStates(brush);
    this.#paintHeads(brush);
  }

  /** A line for each host, and for the router between them. */
  #paintColumns(brush: Brush): void {
    const { picture } = this, { c, height, off } = brush, { line } = brush.colours;
    for (const [i] of picture.columns.entries()) {
      c.strokeStyle = line;
      c.lineWidth = 2;
      c.beginPath();
      c.moveTo(this.#x(i), off);
      c.lineTo(this.#x(i), off + height);
      c.stroke();
    }
  }

  /** A bracket beside a host for each timer that runs there. */
  #paintTimers(brush: Brush): void {
    const { picture } = this, { c, height, off } = brush, { again } = brush.colours;
    for (const t of picture.timers) {
      const y1 = this.#y(t.fromUs), y2 = this.#y(t.toUs);
      if (y2 < off || y1 > off + height) continue;
      const side = t.host === 0 ? -1 : 1, x = this.#x(t.host) + side * 7;
      c.strokeStyle = again;
      c.lineWidth = 1.5;
      c.beginPath();
      c.moveTo(x, y1);
      c.lineTo(x + side * 7, y1);
      c.lineTo(x + side * 7, y2);
      c.lineTo(x, y2);
      c.stroke();
      c.fillStyle = again;
      c.font = font(11);
      c.textAlign = side < 0 ? "right" : "left";
      c.fillText(t.label, x + side * 11, Math.max(y1 + 12, (y1 + y2) / 2));
    }
  }

  /** An arrow for each segment, as far as it has come. */
  #paintArrows(brush: Brush): void {
    const { picture } = this, { c, height, off } = brush, { soft, left, right, again, bad, good } = brush.colours;
    for (const a of picture.arrows) {
      const l = this.#line(a), lowest = Math.max(l.y1, l.y2);
      if (lowest < off - 30 || l.y1 > off + height + 30) continue;
      c.strokeStyle = c.fillStyle =
        a.endUs === null ? bad : a.cookie ? good : a.again ? again : a.foreign ? soft : a.from > a.to ? right : left;
      if (l.flying) this.#paintRest(brush, a, l);
      c.lineWidth = a.frame === picture.selected ? 3.5 : 1.7;
      c.setLineDash(a.endUs === null || a.foreign ? [6, 4] : []);
      c.beginPath();
      c.moveTo(l.x1, l.y1);
      c.lineTo(l.x2, l.y2);
      c.stroke();
      c.setLineDash([]);
      const angle = Math.atan2(l.y2 - l.y1, l.x2 - l.x1);
      if (a.endUs === null) {
        c.font = font(15, "bold");
        c.textAlign = "center";
        c.fillText("✗", l.x2, l.y2 + 5);
      } else {
        c.beginPath();
        c.moveTo(l.x2, l.y2);
        c.lineTo(l.x2 - 9 * Math.cos(angle - 0.4), l.y2 - 9 * Math.sin(angle - 0.4));
        c.lineTo(l.x2 - 9 * Math.cos(angle + 0.4), l.y2 - 9 * Math.sin(angle + 0.4));
        c.fill();
      }
    }
  }

  /** Where a segment that is on its way will go. */
  #paintRest({ c }: Brush, a: Arrow, from: { x2: number; y2: number }): void {
    c.lineWidth = 1;
    c.setLineDash([2, 5]);
    c.beginPath();
    c.moveTo(from.x2, from.y2);
    c.lineTo(this.#x(a.to), this.#y(a.endUs!));
    c.stroke();
  }

  /** What each segment is, along its arrow. */
  #paintLabels(brush: Brush): void {
    const { picture } = this, { c, height, off, small } = brush, { ink, ground, mark } = brush.colours;
    const dense = picture.arrows.length > 300;
    for (const a of picture.arrows) {
      const l = this.#line(a);
      if (Math.max(l.y1, l.y2) < off - 30 || l.y1 > off + height + 30) continue;
      if (dense && a.frame !== picture.selected) continue;
      // Along the arrow, above it; whole, however far it has come.
      const endY = this.#y(a.endUs ?? a.timeUs) + (a.endUs === null ? 23 : 0), endX = this.#x(a.to);
      const leftwards = endX < l.x1, tilt = Math.atan2(leftwards ? l.y1 - endY : endY - l.y1, Math.abs(endX - l.x1));
      c.save();
      // At the sender's end, where arrows of one burst are furthest apart from those that answer.
      c.translate(l.x1, l.y1);
      c.rotate(tilt);
      c.font = font(small ? 11 : 12, "600");
      const text = small ? a.label : `${a.label}   ${a.numbers}`;
      const w = c.measureText(text).width, x = leftwards ? -w - 14 : 14;
      c.textAlign = "left";
      if (a.frame === picture.selected) {
        c.fillStyle = mark;
        c.fillRect(x - 4, -16, w + 8, 14);
      } else {
        c.lineWidth = 4;
        c.strokeStyle = ground;
        c.strokeText(text, x, -4);
      }
      c.fillStyle = ink;
      c.fillText(text, x, -4);
      c.restore();
    }
  }

  /** The states of both ends, each below the one before. */
  #paintStates(brush: Brush): void {
    const { picture } = this, { c, height, off, small } = brush, { left, right, ground } = brush.colours;
    const lastY: number[] = [];
    for (const s of picture.states) {
      const y = Math.max(this.#y(s.timeUs), (lastY[s.host] ?? 0) + 13);
      lastY[s.host] = y;
      if (y < off || y > off + height + 20) continue;
      const leftmost = s.host === 0, x = this.#x(s.host) + (leftmost ? -10 : 10);
      c.font = font(small ? 10 : 12, "600");
      c.fillStyle = leftmost ? left : right;
      c.textAlign = leftmost ? "right" : "left";
      c.lineWidth = 4;
      c.strokeStyle = ground;
      c.strokeText(s.state, x, y + 4);
      c.fillText(s.state, x, y + 4);
    }
  }

  /** Where the time has come to. */
  #paintNow(brush: Brush): void {
    const { picture } = this, { c, width } = brush, { soft } = brush.colours;
    const y = this.#y(picture.nowUs);
    c.strokeStyle = soft;
    c.setLineDash([2, 4]);
    c.beginPath();
    c.moveTo(0, y);
    c.lineTo(width, y);
    c.stroke();
    c.setLineDash([]);
  }

  /** The hosts' names, which stay in sight, and the time. */
  #paintHeads(brush: Brush): void {
    const { picture } = this, { c, width, off, small } = brush, { soft, left, right, ground } = brush.colours;
    c.fillStyle = ground;
    c.fillRect(0, off, width, 40);
    picture.columns.forEach((name, i) => {
      c.fillStyle = i === 0 ? left : right;
      c.font = font(small ? 12 : 14, "bold");
      c.textAlign = "center";
      c.fillText(name, this.#x(i), off + 18);
    });
    c.fillStyle = soft;
    c.font = font(11);
    c.fillText(`${((picture.nowUs - picture.startUs) / 1000).toFixed(1)} ms`, width / 2, off + 34);
  }
}
