/** The handshake lab in a browser: the stack that ships, on a wire that one can look at. */
import type { Segment } from "../lab/analyze.js";
import { decodeTcp } from "../decode.js";
import { formatIp } from "../address.js";
import { fieldsOf, type Field } from "./fields.js";
import { Page } from "./page.js";

declare const STINT_WASM: string;

const module = new WebAssembly.Module(Uint8Array.from(atob(STINT_WASM), (c) => c.charCodeAt(0)));
const page = new Page(module);
// For tests, and for whoever opens the console.
Object.assign(window, {
  lab: page,
  decodeTcp,
  formatIp,
  fieldsOf: fieldsOf satisfies (frame: Uint8Array, s: Segment) => Field[],
});
