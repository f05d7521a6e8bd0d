/** The lab's scenarios: what happens, and why it is so. The page and the terminal show the same ones. */
import type { HostPlan, Scenario } from "./scenario.js";

const CLIENT: HostPlan = { name: "client", ip: "10.0.0.1" }, SERVER: HostPlan = { name: "server", ip: "10.0.0.2" };
const OPEN = [
  { atMs: 0, do: "listen", host: "server" }, { atMs: 10, do: "connect", host: "client", to: "server" },
] as const;
const BOTH_ESTABLISHED = { client: "ESTABLISHED", server: "ESTABLISHED" } as const;

/** Under attack: the table of half-open connections has eight places. */
const TABLE = { halfOpenMax: 8, cookies: 0, halfOpenMs: 60_000, synAckRetries: 5 };
const CROWD: HostPlan = { name: "client", ip: "10.0.0.1", options: { connsMax: 32 } };
const flooded = (options: HostPlan["options"]): { hosts: HostPlan[] } => ({
  hosts: [CROWD, { ...SERVER, options: { ...TABLE, connsMax: 32, ...options } }],
});

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "handshake", title: "The three-way handshake", lastsMs: 1000,
    sentence: "Two hosts agree on where each of them begins to count.",
    explanation: [
      "TCP numbers every byte, so that what is lost can be asked for and what comes twice can be told. "
        + "Both sides begin at a random number, and each has to know the other's.",
      "The SYN tells the client's number. The SYN-ACK tells the server's, and says by its ACK that the client's has "
        + "arrived. The ACK says that the server's has arrived. Each number is told and confirmed: four messages, "
        + "of which the two in the middle travel together.",
    ],
    script: [...OPEN], ends: BOTH_ESTABLISHED,
  },
  {
    name: "data-on-ack",
    title: "Data in the third segment",
    lastsMs: 1000,
    sentence: "The client need not wait: its first data rides on the third step.",
    explanation: [
      "When the SYN-ACK arrives, the client knows all that it has to know: its own number has arrived, "
        + "and it has the server's. It is ESTABLISHED, and may send.",
      "So the third segment can carry data. The handshake costs the client one round trip, not one and a half.",
    ],
    script: [...OPEN, { atMs: 11, do: "send", host: "client", text: "hello with the third segment\n" }],
    ends: BOTH_ESTABLISHED,
  },
  {
    name: "lost-syn", title: "The SYN is lost", lastsMs: 3000,
    sentence: "Nobody answers, so the client asks again.",
    explanation: [
      "The retransmission timer runs from the first SYN on; there is no measured round trip yet, "
        + "so it waits for one second (RFC 6298). The second SYN is the same as the first: same number, "
        + "so that it does not matter which of them arrives.",
    ],
    script: [...OPEN], faults: [{ from: "client", what: "SYN", nth: 1, fate: "drop" }], ends: BOTH_ESTABLISHED,
  },
  {
    name: "lost-syn-ack", title: "The SYN-ACK is lost", lastsMs: 3000,
    sentence: "The server has heard the client, but the client does not know.",
    explanation: [
      "The server is in SYN-RECEIVED and waits. Both have a timer: the client sends its SYN again, "
        + "the server its SYN-ACK. Either is enough; a SYN that comes twice with the same number is answered "
        + "with the same SYN-ACK.",
    ],
    script: [...OPEN], faults: [{ from: "server", what: "SYN ACK", nth: 1, fate: "drop" }], ends: BOTH_ESTABLISHED,
  },
  {
    name: "lost-ack", title: "The third step is lost", lastsMs: 3000,
    sentence: "The client believes that it is connected; the server does not know yet.",
    explanation: [
      "The client is ESTABLISHED, and rightly so. The server sends its SYN-ACK again when no ACK comes, "
        + "and the client answers with one. Had the client sent data, that would have done as well: "
        + "every segment carries the ACK.",
    ],
    script: [...OPEN], faults: [{ from: "client", what: "ACK", nth: 1, fate: "drop" }], ends: BOTH_ESTABLISHED,
  },
  {
    name: "simultaneous-open", title: "Both open at once", lastsMs: 2000,
    sentence: "Two SYNs cross on their way, and one connection comes of it.",
    explanation: [
      "Each side is in SYN-SENT when the other's SYN arrives. It goes to SYN-RECEIVED and confirms what it got. "
        + "Four segments, and no server: each number is told and confirmed, "
        + "nothing travels together (RFC 9293 §3.5, figure 7).",
    ],
    script: [
      { atMs: 10, do: "connect", host: "client", to: "server", from: 49160, port: 80 },
      { atMs: 10, do: "connect", host: "server", to: "client", from: 80, port: 49160 },
    ],
    ends: BOTH_ESTABLISHED,
  },
  {
    name: "old-duplicate", title: "Why two steps are not enough", lastsMs: 2500,
    sentence: "A SYN of an earlier connection arrives late; the third step is what stops it.",
    explanation: [
      "The network may keep a segment for a while and deliver it when nobody expects it any more. "
        + "Here an old SYN reaches the server, which cannot know that it is old: it answers, as it must.",
      "If two steps were enough, the server would now believe in a connection that the client knows nothing of. "
        + "But the client gets a SYN-ACK for a number that it did not send, and answers with a RST: "
        + "the server goes back to LISTEN. Then the client's real SYN comes, and all goes its way.",
      "Try `npm run explore`: it takes the third step out of the handshake and searches every schedule for one that "
        + "goes wrong. The shortest is this one.",
    ],
    script: [
      { atMs: 0, do: "listen", host: "server" },
      {
        atMs: 10, do: "segment", from: "client", to: "server", old: true,
        fields: { flags: ["SYN"], seq: 1_000_000, absolute: true, srcPort: 49160, dstPort: 80 },
      },
      { atMs: 200, do: "connect", host: "client", to: "server" },
    ],
    ends: BOTH_ESTABLISHED,
  },
  {
    name: "four-steps", title: "Why four would add nothing", lastsMs: 1500,
    sentence: "The second and the third of four messages can travel together.",
    explanation: [
      "Told one by one, it takes four messages: the client's number, its confirmation, the server's number, "
        + "its confirmation. The server's two have nothing between them that anybody has to wait for, "
        + "so one segment carries both.",
      "A confirmation of the confirmation would add nothing either: whoever sends the last message can never know "
        + "that it arrived, however many there are. TCP ends where both numbers are confirmed, "
        + "and lets the first data, or a retransmission, settle the rest: watch the server's SYN-ACK be repeated when "
        + "the third step is lost.",
    ],
    script: [...OPEN, { atMs: 100, do: "send", host: "server", text: "hello\n" }], ends: BOTH_ESTABLISHED,
  },
  {
    name: "half-open", title: "One side has forgotten", lastsMs: 8000,
    sentence: "The server crashes and starts again; the client finds out with the next byte.",
    explanation: [
      "A connection is nothing but what two hosts remember. After its restart the server remembers nothing, "
        + "and the client cannot tell until it sends something. The segment belongs to no connection, "
        + "so it is answered with a RST, and the client's application is told (RFC 9293 §3.5.1).",
    ],
    script: [
      ...OPEN, { atMs: 200, do: "restart", host: "server" }, { atMs: 400, do: "listen", host: "server" },
      { atMs: 500, do: "send", host: "client", text: "are you still there?" },
    ],
    ends: { client: "CLOSED", server: "LISTEN" },
  },
  {
    name: "refused", title: "Nobody listens", lastsMs: 1000,
    sentence: "A RST is a clear answer, and a quick one.",
    explanation: [
      "No application listens on the port. The server's stack answers the SYN with a RST that acknowledges it, "
        + "so that the client can believe it: only who saw the SYN knows the number. "
        + "Without an answer the client would try for minutes.",
    ],
    script: [{ atMs: 10, do: "connect", host: "client", to: "server" }], ends: { client: "CLOSED", server: "CLOSED" },
  },
  {
    name: "close", title: "Closing, and TIME-WAIT", lastsMs: 6000,
    sentence: "Each direction is closed for itself; who closes first has to wait.",
    explanation: [
      "A FIN says: I have nothing more to send. The other side confirms it, and may go on sending for as long as it "
        + "likes (CLOSE-WAIT). When it closes too, its FIN is confirmed in turn.",
      "The last ACK may be lost. Then the FIN comes once more, and somebody has to be there to answer: "
        + "that is TIME-WAIT. It also keeps the pair of ports out of use until no old segment can be about any more. "
        + "It lasts twice the longest life of a segment; here it is cut to four seconds.",
    ],
    script: [
      ...OPEN, { atMs: 100, do: "send", host: "client", text: "goodbye\n" }, { atMs: 200, do: "close", host: "client" },
    ],
    ends: { client: "CLOSED", server: "LISTEN" },
  },
  {
    name: "time-wait",
    title: "Why TIME-WAIT is there",
    lastsMs: 8000,
    sentence: "The last ACK is lost, the FIN comes again, and somebody is there to answer.",
    explanation: [
      "Without TIME-WAIT the client would have forgotten the connection, and would answer the repeated FIN with a "
        + "RST: the server's application would see an error where everything had arrived.",
    ],
    script: [...OPEN, { atMs: 200, do: "close", host: "client" }],
    faults: [{ from: "client", what: "ACK", nth: 2, fate: "drop" }],
    ends: { client: "CLOSED", server: "LISTEN" },
  },
  {
    name: "simultaneous-close", title: "Both close at once", lastsMs: 6000,
    sentence: "Two FINs cross on their way: CLOSING on both sides, and TIME-WAIT on both.",
    explanation: [
      "Neither FIN confirms the other, so both sides go from FIN-WAIT-1 to CLOSING, and on to TIME-WAIT when their "
        + "own FIN is confirmed (RFC 9293 §3.6, figure 13).",
    ],
    script: [...OPEN, { atMs: 200, do: "close", host: "client" }, { atMs: 200, do: "close", host: "server" }],
    ends: { client: "CLOSED", server: "LISTEN" },
  },
  {
    name: "retransmission", title: "A lost segment, and nothing behind it", lastsMs: 3000,
    sentence: "When no ACK can tell of the loss, a timer does.",
    explanation: [
      "One segment is lost, and nothing follows it that could bring about an ACK. First a tail loss probe goes out, "
        + "after two round trips: the same segment again (RFC 8985 §7). Had that been lost too, "
        + "the retransmission timer would come next, and double each time (RFC 6298).",
    ],
    script: [
      ...OPEN, { atMs: 100, do: "send", host: "client", bytes: 500 },
      { atMs: 300, do: "send", host: "client", text: "this one is lost" },
    ],
    faults: [{ from: "client", what: "data", nth: 2, fate: "drop" }], ends: BOTH_ESTABLISHED,
  },
  {
    name: "sack",
    title: "Selective acknowledgment",
    lastsMs: 3000,
    sentence: "Two of eight segments are lost, and only those two are sent again.",
    explanation: [
      "Each segment behind a gap is answered with a duplicate ACK that also says what has arrived (RFC 2018). "
        + "The sender sees the holes, and fills just those; what was sent later and has arrived tells it that the "
        + "holes are losses and not only late (RFC 8985).",
    ],
    script: [
      ...OPEN, { atMs: 100, do: "send", host: "client", bytes: 1000 },
      { atMs: 200, do: "send", host: "client", bytes: 8100 },
    ],
    faults: [
      { from: "client", what: "data", nth: 3, fate: "drop" }, { from: "client", what: "data", nth: 5, fate: "drop" },
    ],
    ends: BOTH_ESTABLISHED,
  },
  {
    name: "reordering", title: "Reordering", lastsMs: 3000,
    sentence: "A segment is late, not lost: nothing should be sent again.",
    explanation: [
      "Segments may overtake each other. The duplicate ACK looks like that of a loss; the sender waits for a quarter "
        + "of the round trip before it takes a segment for lost (RFC 8985 §6.2). The late one comes in time, "
        + "and one ACK covers all.",
    ],
    script: [
      ...OPEN, { atMs: 100, do: "send", host: "client", bytes: 1000 },
      { atMs: 200, do: "send", host: "client", bytes: 4000 },
    ],
    faults: [{ from: "client", what: "data", nth: 2, fate: "delay", delayMs: 5 }], ends: BOTH_ESTABLISHED,
  },
  {
    name: "zero-window", title: "A receiver that does not read", lastsMs: 9000,
    sentence: "The window closes, the sender probes, the window opens.",
    explanation: [
      "The window says how much room there is. The server's application stops reading, its buffer fills up, "
        + "and it closes the window.",
      "The update that opens it again could be lost, and both sides would wait for ever. "
        + "So the sender asks now and then with one byte beyond the window (RFC 9293 §3.8.6.1), at growing intervals.",
    ],
    hosts: [CLIENT, { ...SERVER, options: { recvRing: 4096 } }],
    script: [
      { atMs: 0, do: "listen", host: "server" }, { atMs: 1, do: "stop reading", host: "server" },
      { atMs: 10, do: "connect", host: "client", to: "server" }, { atMs: 100, do: "send", host: "client", bytes: 6000 },
      { atMs: 3000, do: "read again", host: "server" },
    ],
    ends: BOTH_ESTABLISHED,
  },
  {
    name: "rst-injection", title: "A forged RST", lastsMs: 3000,
    sentence: "An outsider guesses a number inside the window, and is asked to prove it.",
    explanation: [
      "Once, any RST inside the window would end a connection: with windows of 64 KB an outsider had to try 65,536 "
        + "numbers, not four billion.",
      "Today only a RST with exactly the next number counts. Another one in the window is answered with a challenge "
        + "ACK: a peer who really wants to reset answers that with a RST of the right number; "
        + "an outsider does not see it (RFC 5961 §3).",
    ],
    script: [
      ...OPEN, { atMs: 200, do: "segment", from: "client", to: "server", fields: { flags: ["RST"], seq: 1000 } },
      { atMs: 500, do: "send", host: "client", text: "still connected\n" },
    ],
    ends: BOTH_ESTABLISHED,
  },
  {
    name: "flood", title: "A SYN flood", lastsMs: 8000,
    sentence: "An attacker begins handshakes and never completes them. Choose a defence.",
    explanation: [
      "Each SYN costs the server a place in its table of half-open connections, here of eight places, "
        + "and it has to keep it: the third step may still come. The attacker's addresses are invented, "
        + "so it never does. After eight SYNs there is no place for an honest client.",
      "Shorter time-outs free the places sooner. A rate limit keeps the attacker's networks from taking all of them, "
        + "as long as there are few. Two servers have twice the places, for somewhat more than half of the clients "
        + "each. Cookies need no place at all: the server's number is computed from the SYN and a secret, "
        + "and the ACK brings it back.",
    ],
    ...flooded({ policy: { keepHalfOpen: true } }),
    script: [
      { atMs: 0, do: "listen", host: "server" }, { atMs: 100, do: "flood", to: "server", perSecond: 100, ms: 6000 },
      { atMs: 200, do: "clients", host: "client", to: "server", everyMs: 250, ms: 6000 },
    ],
    ends: {},
    variants: {
      "none": {},
      "time-out": flooded({ policy: { keepHalfOpen: true }, synAckMs: 60, synAckRetries: 0, halfOpenMs: 60 }),
      "rate limit": flooded({
        policy: { keepHalfOpen: true, synSilence: true }, synRate: 40, synBurst: 4, halfOpenMs: 100, synAckMs: 100,
        synAckRetries: 0,
      }),
      "cookies": flooded({ cookies: 1 }),
      "two servers": {
        hosts: [
          CROWD, { ...SERVER, options: { ...TABLE, connsMax: 32 } },
          { name: "server 2", ip: "10.0.0.2", options: { ...TABLE, connsMax: 32 } },
        ],
        script: [
          { atMs: 0, do: "listen", host: "server" }, { atMs: 0, do: "listen", host: "server 2" },
          { atMs: 100, do: "flood", to: "server", perSecond: 100, ms: 6000 },
          { atMs: 200, do: "clients", host: "client", to: "server", everyMs: 250, ms: 6000 },
        ],
      },
    },
  },
];

/** Throws a RangeError that lists the names. */
export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((s) => s.name === name);
  if (!found)
    throw new RangeError(`there is no scenario "${name}"; there are ${SCENARIOS.map((s) => s.name).join(", ")}`);
  return found;
}
