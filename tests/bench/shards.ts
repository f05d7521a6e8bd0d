/**
 * `npm run bench -- shards`: requests that threads answer, by the number of threads, each a hash over 32 KiB for its
 * application (hash-server.mjs). This thread is the link and the clients, 64 connections with one request each under
 * way, made of numbers; it has a share of the cores, too.
 */
import { parseIp } from "../../host/address.js";
import { sum } from "../../host/encode.js";
import { PROTOCOL } from "../../host/headers.js";
import { arpAnswer } from "../../host/lab/frames.js";
import type { Link } from "../../host/links/link.js";
import { Shards } from "../../host/shards/shards.js";
import { tcp } from "../harness/codec.js";
import { summary, type Row } from "./measure.js";

const IP = "10.0.0.2", MAC = [2, 0, 0, 0, 0, 2], CLIENTS = 64, PORT = 80, FIRST_PORT = 2000, SEQ = 1, ANSWER = 32;
const REQUEST = Buffer.alloc(16, 7);

class Client {
  readonly #frame: Uint8Array;
  readonly #view: DataView;
  #seq = SEQ;
  #ack = 0;
  /** Bytes of the answer that are still to come. */
  #left = ANSWER;
  started = false;
  answers = 0;

  constructor(readonly port: number) {
    this.#frame = this.#segment("PA", REQUEST);
    this.#view = new DataView(this.#frame.buffer);
  }

  #segment(flags: string, data = new Uint8Array()): Uint8Array {
    return tcp(
      { src: parseIp("10.0.0.1"), dst: parseIp(IP), dstMac: MAC },
      { flags, sport: this.port, dport: PORT, seq: this.#seq, ack: this.#ack, win: 65535, data },
    );
  }

  syn(): Uint8Array {
    return this.#segment("S");
  }

  /** Takes a segment in. Returns what to send, if anything: requests, each when the one before is answered. */
  take(view: DataView, size: number): Uint8Array | null {
    if (view.getUint8(47) === 0x12) {
      if (this.started) return null;
      this.started = true;
      this.#seq = SEQ + 1;
      this.#ack = (view.getUint32(38) + 1) >>> 0;
      return this.#request();
    }
    const text = view.getUint16(16) - 20 - (view.getUint8(46) >> 4) * 4;
    if (text <= 0 || size < 14 + text) return null;
    // Sent again, since our ACK comes with the next request only.
    if (view.getUint32(38) !== this.#ack) return null;
    this.#ack = (this.#ack + text) >>> 0;
    this.#left -= text;
    if (this.#left > 0) return null;
    this.#left = ANSWER;
    this.answers++;
    return this.#request();
  }

  #request(): Uint8Array {
    const v = this.#view;
    v.setUint32(38, this.#seq);
    v.setUint32(42, this.#ack);
    v.setUint16(50, 0);
    const end = this.#frame.length;
    v.setUint16(50, sum(this.#frame, 26, end, PROTOCOL.tcp + end - 34) ^ 0xffff);
    this.#seq = (this.#seq + REQUEST.length) >>> 0;
    return this.#frame;
  }
}

/** Answers a second of `n` threads, over `seconds`. */
async function answered(n: number, seconds: number): Promise<number> {
  const clients = Array.from({ length: CLIENTS }, (_, i) => new Client(FIRST_PORT + i));
  const link: Link = {
    send(frame) {
      const arp = arpAnswer(frame);
      if (arp) return link.onFrame(arp);
      const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
      const next = clients[view.getUint16(36) - FIRST_PORT]?.take(view, frame.length);
      if (next) link.onFrame(next);
    },
    onFrame() {}, onClose() {}, close() {},
  };
  const shards = new Shards(
    n,
    link,
    {
      ip: `${IP}/24`, mac: "02:00:00:00:00:02", connsMax: CLIENTS, rxSlots: 256, txSlots: 256, sendRing: 8192,
      recvRing: 8192, policy: { announce: false, timestamps: false, noDelay: true },
    },
    {},
    undefined,
    new URL("hash-server.mjs", import.meta.url).href,
  );
  await shards.ready;
  const sleep = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));
  const total = (): number => clients.reduce((s, c) => s + c.answers, 0);
  for (let tries = 0; clients.some((c) => !c.started) && tries < 50; tries++) {
    for (const c of clients.filter((one) => !one.started)) link.onFrame(c.syn());
    await sleep(20);
  }
  await sleep(seconds * 300);
  const before = total(), began = performance.now();
  await sleep(seconds * 1000);
  const rate = (total() - before) / ((performance.now() - began) / 1000);
  await shards.terminate();
  if (!(rate > 0))
    throw new Error(
      `nothing was answered: ${clients.filter((c) => c.started).length} connections, ${before} answers before`,
    );
  return rate;
}

export async function benchShards(quick: boolean): Promise<Row[]> {
  const counts = [1, 2], values = new Map(counts.map((n) => [n, [] as number[]]));
  for (let round = 0; round < (quick ? 3 : 9); round++)
    for (const n of counts) values.get(n)!.push(await answered(n, quick ? 0.8 : 2));
  const measured = new Map([...values].map(([n, v]) => [n, summary(v)])), one = measured.get(1)!;
  return counts.map((n) => ({
    work: "shards", subject: "stint-v8-simd", params: { threads: n }, ...measured.get(n)!, unit: "answers/s",
    ratios: n === 1 ? {} : { "1 thread": measured.get(n)!.median / one.median },
  }));
}
