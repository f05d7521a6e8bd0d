/** How services are written (RFC 6763): their types, the names of their instances, and what their TXT records say. */
import { Buffer } from "node:buffer";
import { LABEL_MAX } from "../dns-reader.js";
import type { Name } from "./mdns-message.js";

/** What a service says of itself beside its place: texts by key; true: a key without a value (§6.4). */
export type ServiceText = Readonly<Record<string, string | true>>;

/** §6.1: bytes of a string, and of all of them (§6.2: so that it fits into a frame). */
const STRING_MAX = 255, TEXT_MAX = 1300;

/** "_http._tcp" → its labels, in .local. Throws a RangeError. */
export function typeName(type: string): Name {
  // RFC 6335 §5.1: letters, digits and hyphens between them, 15 at most, one letter at least.
  if (!/^_(?=[^.]*[a-z])[a-z0-9](-?[a-z0-9]){0,14}\._(tcp|udp)$/i.test(type) || type.indexOf(".") > 16)
    throw new RangeError(`"${type}" is no type of a service; write it like _http._tcp`);
  return [...type.split("."), "local"];
}

/** Throws a RangeError for what is no label that people read (§4.1.1). */
export function checkInstance(name: string): void {
  const size = Buffer.byteLength(name, "utf8");
  // eslint-disable-next-line no-control-regex
  if (size === 0 || size > LABEL_MAX || /[\x00-\x1f\x7f]/.test(name))
    throw new RangeError(`"${name}" is no name of a service: 1 to ${LABEL_MAX} bytes, without control characters`);
}

/** The name that follows when somebody has this one: "Lamp", "Lamp (2)", "Lamp (3)" (RFC 6763, appendix D). */
export function nextInstance(name: string): string {
  const [, stem = name, number = "1"] = /^(.*) \((\d{1,6})\)$/s.exec(name) ?? [], tail = ` (${Number(number) + 1})`;
  let kept = [...stem];
  while (Buffer.byteLength(kept.join("") + tail, "utf8") > LABEL_MAX) kept = kept.slice(0, -1);
  return kept.join("") + tail;
}

/** The data of a TXT record. Throws a RangeError for keys and values that cannot be (§6.4, §6.5). */
export function writeText(text: ServiceText): Buffer {
  const strings = Object.entries(text).map(([key, value]) => {
    if (!/^[\x20-\x3c\x3e-\x7e]+$/.test(key)) throw new RangeError(`"${key}" is no key: it is ASCII, without =`);
    const bytes = Buffer.from(value === true ? key : `${key}=${value}`, "utf8");
    if (bytes.length > STRING_MAX) throw new RangeError(`${key} and its value have more than ${STRING_MAX} bytes`);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  const all = Buffer.concat(strings);
  if (all.length > TEXT_MAX) throw new RangeError(`the text of a service has ${TEXT_MAX} bytes at most`);
  // §6.1: one without a string is not allowed.
  return all.length === 0 ? Buffer.alloc(1) : all;
}

/** What a TXT record says. Of a key that is there twice the first counts; a string without a key is none (§6.4). */
export function readText(data: Uint8Array): ServiceText {
  const text = Object.create(null) as Record<string, string | true>, known = new Set<string>();
  for (let at = 0; at < data.length;) {
    const size = data[at]!, bytes = Buffer.from(data.subarray(at + 1, at + 1 + size));
    at += 1 + size;
    if (bytes.length < size) break;
    const equals = bytes.indexOf("="), key = bytes.toString("latin1", 0, equals < 0 ? size : equals);
    if (key === "" || known.has(key.toLowerCase())) continue;
    known.add(key.toLowerCase());
    text[key] = equals < 0 ? true : bytes.toString("utf8", equals + 1);
  }
  return text;
}
