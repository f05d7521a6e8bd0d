/** The handshake lab in a browser: the stack that ships, on a wire that one can look at. */
import type { Segment } from "../lab/analyze.js";
import { decodeTcp } from "../decode.js";
import { formatIp } from "../address.js";
import { chooser } from "./chooser.js";
import { machine, tcb } from "./ends.js";
import { fieldsOf, type Field } from "./fields.js";
import { consoles, controls, forge } from "./hands.js";
import { live } from "./live.js";
import { Page, type Pieces } from "./page.js";
import { capturePicture, labPicture } from "./pictures.js";
import { printed } from "./print.js";
import { segment } from "./segment.js";
import { answers, tour } from "./tour.js";

const PIECES: Pieces = {
  begin(page) {
    controls(page);
    forge(page);
    printed(page);
  },
  opened(page) {
    consoles(page);
    tour(page);
  },
  grown: chooser,
  picture: (page) => (page.capture ? capturePicture(page) : labPicture(page)),
  draw(page) {
    segment(page);
    machine(page);
    tcb(page);
    answers(page);
  },
};

const page = new Page(window.stintModule, PIECES);
live(page);

// For tests, and for whoever opens the console.
Object.assign(window, {
  lab: page,
  decodeTcp,
  formatIp,
  fieldsOf: fieldsOf satisfies (frame: Uint8Array, s: Segment) => Field[],
});
