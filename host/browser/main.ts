/** The handshake lab in a browser: the stack that ships, on a wire that one can look at. */
import type { Segment } from "../lab/analyze.js";
import { decodeTcp } from "../decode.js";
import { formatIp } from "../address.js";
import { $ } from "./dom.js";
import { machine, tcb } from "./ends.js";
import { fieldsOf, type Field } from "./fields.js";
import { consoles, controls, forge } from "./hands.js";
import { Page, type Pieces } from "./page.js";
import { capturePicture, labPicture } from "./pictures.js";
import { segment } from "./segment.js";

const PIECES: Pieces = {
  begin(page) {
    controls(page);
    forge(page);
  },
  opened: consoles,
  picture: (page) => (page.capture ? capturePicture(page) : labPicture(page)),
  draw(page) {
    segment(page);
    machine(page);
    tcb(page);
  },
};

/** The module, compressed by gzip, as base64: the page is one file, and this is the largest part of it. */
declare const STINT_WASM_GZIP: string;

async function compile(): Promise<WebAssembly.Module> {
  const packed = Uint8Array.from(atob(STINT_WASM_GZIP), (c) => c.charCodeAt(0));
  const bytes = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compile(await new Response(bytes).arrayBuffer());
}

void compile().then((module) => {
  // For tests, and for whoever opens the console.
  Object.assign(window, {
    lab: new Page(module, PIECES),
    decodeTcp,
    formatIp,
    fieldsOf: fieldsOf satisfies (frame: Uint8Array, s: Segment) => Field[],
  });
}, () => {
  $("status").textContent = "This browser cannot run the lab: it lacks WebAssembly or DecompressionStream.";
});
