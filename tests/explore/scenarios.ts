import { FORMS, type Form, type Scenario } from "./scenario.js";
import { CLIENT, SERVER } from "./side.js";

const SYN = (seq: number) => () => ({ flags: "S", seq });

const ALL = (Object.keys(FORMS) as Form[]).filter((f) => f !== "a SYN between the two");

/** Bounds are small on purpose: every interleaving within them is seen. */
export const SCENARIOS: Scenario[] = [
  {
    name: "handshake",
    what: "the three-way handshake, with a SYN and a SYN-ACK of earlier incarnations still about",
    client: ["connect"], server: [],
    before: { client: [], server: ["listen"] },
    old: [
      { from: CLIENT, segment: SYN(12345) },
      { from: SERVER, segment: () => ({ flags: "SA", seq: 777, ack: 12346 }) },
    ],
    bounds: { drops: 2, duplicates: 1, timers: 4, reorder: true },
  },
  {
    name: "handshake-cookies",
    what: "the same, the server answering with SYN cookies alone",
    client: ["connect"], server: [], cookies: 2,
    before: { client: [], server: ["listen"] },
    old: [
      { from: CLIENT, segment: SYN(12345) }, { from: SERVER, segment: () => ({ flags: "SA", seq: 777, ack: 12346 }) },
    ],
    bounds: { drops: 2, duplicates: 1, timers: 4, reorder: true },
  },
  {
    name: "simultaneous-open",
    what: "both open at once",
    client: ["connect"], server: ["connect"],
    bounds: { drops: 2, duplicates: 1, timers: 4, reorder: true },
  },
  {
    name: "close",
    what: "the client closes, then the server, with data in flight both ways",
    client: ["send", "close"], server: ["send", "close"],
    before: { client: ["connect"], server: ["listen"] },
    bounds: { drops: 1, duplicates: 1, timers: 3, reorder: true },
  },
  {
    name: "simultaneous-close",
    what: "both close at once, and the network loses more",
    client: ["close"], server: ["close"],
    before: { client: ["connect"], server: ["listen"] },
    bounds: { drops: 2, duplicates: 1, timers: 5, reorder: true },
  },
  {
    name: "reset",
    what: "a RST with the right number at every point of opening and closing",
    client: ["connect", "send", "close"], server: ["close"], resets: 1,
    before: { client: [], server: ["listen"] },
    bounds: { drops: 1, duplicates: 0, timers: 3, reorder: false },
  },
  {
    name: "abort",
    what: "either side aborts at any point",
    client: ["connect", "send", "abort"], server: ["send", "abort"],
    before: { client: [], server: ["listen"] },
    bounds: { drops: 1, duplicates: 0, timers: 4, reorder: false },
  },
  {
    name: "attacked",
    what: "two segments of an attacker, of any form, while a connection carries data both ways, with timestamps",
    client: ["send"], server: ["send"], timestamps: true, attacks: { count: 2, forms: ALL },
    before: { client: ["connect"], server: ["listen"] },
    bounds: { drops: 0, duplicates: 0, timers: 2, reorder: false },
  },
  {
    name: "attacked-handshake",
    what: "the same while the connection opens and closes",
    client: ["connect", "close"], server: ["close"], attacks: { count: 2, forms: ALL },
    before: { client: [], server: ["listen"] },
    bounds: { drops: 1, duplicates: 0, timers: 1, reorder: false },
  },
  {
    name: "spoofed-pair",
    what: "SYNs that seem to come from each of two listeners reach the other",
    client: [], server: [], attacks: { count: 4, forms: ["a SYN between the two"] },
    before: { client: ["listen"], server: ["listen"] },
    bounds: { drops: 2, duplicates: 2, timers: 6, reorder: true },
  },
];

/**
 * What is wrong with two steps: the third is left out, and the shortest schedule is found on which that is not enough.
 */
export const TWO_STEPS: Scenario = {
  name: "two-steps",
  what: "a handshake of two steps: the server is ESTABLISHED when it has sent its SYN-ACK",
  client: ["connect"], server: [],
  before: { client: [], server: ["listen"] },
  old: [{ from: CLIENT, segment: SYN(12345) }],
  bounds: { drops: 0, duplicates: 0, timers: 0, reorder: true },
  twoSteps: true,
};
