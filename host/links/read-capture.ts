/**
 * Reads captures: pcap (either byte order, µs or ns) and pcapng (draft-ietf-opsawg-pcapng). Every frame comes as an
 * Ethernet frame.
 */
import { ETHERNET, ETHERTYPE, get, IP_AT, IPV4, put } from "../headers.js";

export interface CapturedFrame { timeUs: number; bytes: Uint8Array }

export interface Captured {
  frames: CapturedFrame[];
  /** What could not be read: the file is cut short, or has frames of links that are not known. */
  warnings: string[];
}

/** The file is no capture. */
export class CaptureError extends Error {}

const PCAP = { us: 0xa1b2c3d4, ns: 0xa1b23c4d };
const SECTION = 0x0a0d0d0a, INTERFACE = 1, SIMPLE = 3, ENHANCED = 6, BYTE_ORDER = 0x1a2b3c4d;
const OPTION_RESOLUTION = 9;
/** No frame is longer. */
const FRAME_MAX = 1 << 18;

/** By link type: how many bytes come before the IP packet; −1: it is Ethernet already. */
const LINKS: Record<number, number> = { 0: 4, 1: -1, 12: 0, 101: 0, 108: 4, 113: 16, 228: 0, 276: 20 };

/** Throws a CaptureError with one line that says what is wrong with the file. */
export function readCapture(file: Uint8Array): Captured {
  if (file.length < 8) throw new CaptureError("this is no capture: it has fewer than 8 bytes");
  const view = new DataView(file.buffer, file.byteOffset, file.length), magic = view.getUint32(0, true);
  if (magic === SECTION) return readPcapng(view, file);
  for (const little of [true, false]) {
    const m = view.getUint32(0, little);
    if (m === PCAP.us || m === PCAP.ns) return readPcap(view, file, little, m === PCAP.ns);
  }
  throw new CaptureError("this is neither a pcap nor a pcapng file");
}

class Collector {
  readonly frames: CapturedFrame[] = [];
  readonly warnings: string[] = [];
  #unknown = new Map<number, number>();
  #cut = 0;

  /** `size`: of the frame, of which the file may have less. */
  add(timeUs: number, link: number, bytes: Uint8Array, size: number): void {
    if (bytes.length < size) this.#cut++;
    const before = LINKS[link];
    if (before === undefined) {
      this.#unknown.set(link, (this.#unknown.get(link) ?? 0) + 1);
      return;
    }
    if (before < 0) {
      this.frames.push({ timeUs, bytes });
      return;
    }
    const out = new Uint8Array(IP_AT + Math.max(0, bytes.length - before));
    put(out, 0, ETHERNET.type, get(bytes, before, IPV4.version) === 6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4);
    out.set(bytes.subarray(before), IP_AT);
    this.frames.push({ timeUs, bytes: out });
  }

  done(): Captured {
    for (const [link, n] of this.#unknown)
      this.warnings.push(`${n} frames are of link type ${link}, which is not known here`);
    if (this.#cut > 0)
      this.warnings.push(`${this.#cut} frames are there in part only: the capture's snap length was shorter`);
    return { frames: this.frames, warnings: this.warnings };
  }
}

function readPcap(view: DataView, file: Uint8Array, little: boolean, ns: boolean): Captured {
  const out = new Collector();
  if (file.length < 24) throw new CaptureError("the file's header is cut short");
  const link = view.getUint32(20, little) & 0xffff;
  let at = 24;
  while (at + 16 <= file.length) {
    const size = view.getUint32(at + 8, little);
    if (size > FRAME_MAX || at + 16 + size > file.length) break;
    out.add(
      view.getUint32(at, little) * 1e6 + view.getUint32(at + 4, little) / (ns ? 1000 : 1), link,
      file.subarray(at + 16, at + 16 + size), view.getUint32(at + 12, little),
    );
    at += 16 + size;
  }
  if (at !== file.length) out.warnings.push(`the file is cut short, or damaged, after ${out.frames.length} frames`);
  return out.done();
}

function readPcapng(view: DataView, file: Uint8Array): Captured {
  const out = new Collector();
  let little = true, links: { link: number; perUs: number }[] = [], at = 0;
  while (at + 12 <= file.length) {
    const type = view.getUint32(at, little);
    if (type === SECTION) {
      little = view.getUint32(at + 8, true) === BYTE_ORDER;
      if (!little && view.getUint32(at + 8, false) !== BYTE_ORDER) break;
      links = [];
    }
    const size = view.getUint32(at + 4, little);
    if (size < 12 || size % 4 !== 0 || at + size > file.length) break;
    if (type === INTERFACE && size >= 20)
      links.push({ link: view.getUint16(at + 8, little), perUs: resolution(view, at + 16, at + size - 4, little) });
    else if (type === ENHANCED && size >= 32) {
      const from = links[view.getUint32(at + 8, little)], have = view.getUint32(at + 20, little);
      if (from && have <= size - 32) {
        const time = view.getUint32(at + 12, little) * 2 ** 32 + view.getUint32(at + 16, little);
        out.add(time / from.perUs, from.link, file.subarray(at + 28, at + 28 + have), view.getUint32(at + 24, little));
      }
    } else if (type === SIMPLE && size >= 16 && links[0]) {
      const have = Math.min(view.getUint32(at + 8, little), size - 16);
      out.add(out.frames.length, links[0].link, file.subarray(at + 12, at + 12 + have), view.getUint32(at + 8, little));
    }
    at += size;
  }
  if (at !== file.length) out.warnings.push(`the file is cut short, or damaged, after ${out.frames.length} frames`);
  return out.done();
}

/** Ticks in a µs, by an interface's options. */
function resolution(view: DataView, at: number, end: number, little: boolean): number {
  while (at + 4 <= end) {
    const code = view.getUint16(at, little), size = view.getUint16(at + 2, little);
    if (code === 0) break;
    if (code === OPTION_RESOLUTION && size === 1) {
      const r = view.getUint8(at + 4);
      return (r & 0x80 ? 2 ** (r & 0x7f) : 10 ** r) / 1e6;
    }
    at += 4 + ((size + 3) & ~3);
  }
  return 1;
}
