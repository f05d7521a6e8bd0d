// Data segments of a module that lie side by side become one: each has six bytes of header, and Binaryen joins none.

/** Gaps up to this are filled with zeros: a segment of its own takes as much. */
const GAP = 6;

function reader(bytes) {
  let at = 0;
  return {
    get at() { return at; },
    more: () => at < bytes.length,
    byte: () => bytes[at++],
    number() {
      for (let x = 0, shift = 0; ; shift += 7) {
        const b = bytes[at++];
        x |= (b & 127) << shift;
        if (b < 128) return x >>> 0;
      }
    },
    take: (n) => bytes.subarray(at, at += n),
  };
}

/** LEB128 of an unsigned number. A segment's address is signed: one below 2^31 has a last byte below 64. */
function leb(n, { isSigned = false } = {}) {
  const out = [];
  do out.push((n & 127) | 128);
  while ((n >>>= 7) !== 0);
  if (isSigned && (out.at(-1) & 64) !== 0) out.push(128);
  out[out.length - 1] &= 127;
  return out;
}

/** The active segments of memory 0, in order of address, joined; undefined where an address is not constant. */
function joined(section) {
  const r = reader(section), segments = [];
  for (let n = r.number(); n > 0; n--) {
    if (r.number() !== 0 || r.byte() !== 0x41) return undefined;
    const at = r.number();
    if (r.byte() !== 0x0b) return undefined;
    segments.push({ at, bytes: [...r.take(r.number())] });
  }
  segments.sort((a, b) => a.at - b.at);
  const out = [];
  for (const s of segments) {
    const last = out.at(-1), gap = last && s.at - last.at - last.bytes.length;
    if (last && gap >= 0 && gap <= GAP) last.bytes.push(...new Uint8Array(gap), ...s.bytes);
    else out.push(s);
  }
  return out;
}

/** The module with its data segments joined. */
export function joinSegments(module) {
  return withSegments(module, joined);
}

/** The module with what `change` makes of its data section: segments { at, bytes }, or undefined to leave it. */
export function withSegments(module, change) {
  const r = reader(module), sections = [[...r.take(8)]];
  let count;
  while (r.more()) {
    const id = r.byte(), body = r.take(r.number());
    const segments = id === 11 ? change(body) : undefined;
    let bytes = [...body];
    if (id === 11 && segments === undefined) return module;
    if (segments) {
      count = segments.length;
      const place = (at) => [0, 0x41, ...leb(at, { isSigned: true }), 0x0b];
      const written = segments.flatMap((s) => [...place(s.at), ...leb(s.bytes.length), ...s.bytes]);
      bytes = [...leb(count), ...written];
    }
    sections.push([id, bytes]);
  }
  if (count === undefined) return module;
  // The count of segments stands before the code, for one pass.
  for (const section of sections.slice(1)) if (section[0] === 12) section[1] = leb(count);
  const [head, ...rest] = sections;
  return Buffer.from([...head, ...rest.flatMap(([id, bytes]) => [id, ...leb(bytes.length), ...bytes])]);
}
