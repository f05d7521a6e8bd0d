/** The segment that was chosen: its header, field by field, its bytes, and what can be done to it. */
import { FLAGS, type FlagName } from "../decode.js";
import type { Segment } from "../lab/analyze.js";
import type { Flight } from "../lab/lab.js";
import { $, make } from "./dom.js";
import { fieldsOf } from "./fields.js";
import type { Page } from "./page.js";

/** A field's colour, in the header and in the bytes. */
const hue = (field: number): number => (field * 47) % 360;

/** What is shown now: it is made anew when one of these is another. */
let shown: unknown[] = [];

/** Shows the segment. */
export function segment(page: Page): void {
  const s = page.current(), box = $("segment"), bytes = s && bytesOf(page, s);
  const now = [bytes, s?.frame, s?.says, page.field, page.lab, page.capture, s && flightOf(page, s)];
  if (now.every((x, i) => x === shown[i]) && shown.length > 0) return;
  shown = now;
  if (!s) {
    box.replaceChildren(make("p", { className: "hint" }, "Choose an arrow."));
    return;
  }
  show(page, s, bytes!, box);
}

const bytesOf = (page: Page, s: Segment): Uint8Array =>
  (page.capture?.frames ?? page.lab.frames)[s.frame]!.bytes;
const flightOf = (page: Page, s: Segment): Flight | undefined =>
  page.capture ? undefined : page.lab.flights.find((f) => f.id === s.frame);

function show(page: Page, s: Segment, bytes: Uint8Array, box: HTMLElement): void {
  const fields = fieldsOf(bytes, s);
  const parts: Node[] = [make("p", { className: "says" }, s.says), ...fates(page, s)];
  let grid: HTMLDivElement | null = null, layer = "";
  fields.forEach((f, i) => {
    if (f.layer !== layer) {
      layer = f.layer;
      parts.push(make("div", { className: "layer" }, f.layer));
      grid = make("div", { className: "header-grid" });
      parts.push(grid);
    }
    const button = make(
      "button", { type: "button", onclick: () => choose(page, i) }, make("span", {}, f.name),
      make("span", { className: "v" }, f.value),
    );
    button.style.gridColumn = `span ${Math.min(32, f.bits)}`;
    button.style.setProperty("--hue", String(hue(i)));
    button.ariaPressed = String(i === page.field);
    grid!.append(button);
  });
  const chosen = fields[page.field];
  parts.push(make(
    "p",
    { className: "says", id: "field-says" },
    chosen
      ? `${chosen.name}: ${chosen.value}. ${chosen.says}`
      : "Choose a field: what it is, and why it has this value.",
  ));
  const dump = make("div", { className: "bytes", ariaLabel: "Bytes" });
  for (let i = 0; i < Math.min(bytes.length, 512); i++) {
    const f = fields.findIndex((x) => i * 8 + 7 >= x.at && i * 8 < x.at + x.bits);
    const on = chosen !== undefined && i * 8 + 7 >= chosen.at && i * 8 < chosen.at + chosen.bits;
    const span = make(
      "span", { className: on ? "on" : "", onclick: () => choose(page, f) }, bytes[i]!.toString(16).padStart(2, "0"),
    );
    span.style.setProperty("--hue", String(hue(f)));
    dump.append(span, i % 16 === 15 ? "\n" : i % 8 === 7 ? "  " : " ");
  }
  if (bytes.length > 512) dump.append(`… and ${bytes.length - 512} more`);
  parts.push(dump);
  box.replaceChildren(...parts);
}

function choose(page: Page, i: number): void {
  page.field = i;
  segment(page);
  $("segment").querySelectorAll<HTMLElement>(".header-grid button")[i]?.focus({ preventScroll: true });
}

/** What can be done to a segment that is on its way. */
function fates(page: Page, s: Segment): Node[] {
  const flight = flightOf(page, s);
  if (!flight) return [];
  const act = (fate: "drop" | "delay" | "duplicate" | "corrupt") =>
    make(
      "button", { type: "button", onclick: () => page.act({ act: "fate", flight: flight.id, fate }) },
      fate[0]!.toUpperCase() + fate.slice(1),
    );
  const edit = make("button", { type: "button", onclick: () => {
    const value = (id: string): string => $<HTMLInputElement>(id).value;
    page.act({
      act: "edit",
      flight: flight.id,
      fields: {
        seq: Number(value("edit-seq")) >>> 0,
        ack: Number(value("edit-ack")) >>> 0,
        absolute: true,
        flags: value("edit-flags")
          .split(/[\s,]+/)
          .filter((x): x is FlagName => (FLAGS as readonly string[]).includes(x)),
      },
    });
  } }, "Edit");
  return [
    make(
      "div", { className: "fates" }, "It is on its way: ", act("drop"), act("delay"), act("duplicate"),
      act("corrupt"),
      make("label", {}, "SEQ ", make("input", { id: "edit-seq", value: String(s.tcp.seq), size: 10 })),
      make("label", {}, "ACK ", make("input", { id: "edit-ack", value: String(s.tcp.ack), size: 10 })),
      make("label", {}, "flags ", make("input", { id: "edit-flags", value: s.tcp.flags.join(" "), size: 10 })), edit,
    ),
  ];
}
