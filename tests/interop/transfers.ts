/**
 * Both ends of six transfers, each in another state. `transfers.ts peer ADDRESS WHERE`: over the kernel's sockets,
 * serves, and connects to WHERE until it is answered. `transfers.ts stack LINK PEER`: over the library. `transfers.ts
 * clients WHERE SHA256`: over the kernel's sockets, with the services of `stint up`. The last two print "ready" once
 * all states are reached; when a line arrives they finish the transfers, and print how each ended, and what was left
 * pending, as one line of JSON.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, connect as connectSocket, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { openLink, Stack, type Connection } from "../../host/index.js";
import { pattern } from "../harness/bench.js";
import { Pending } from "../harness/cable.js";
import { STACK_IP } from "./lab.js";

export const PORTS = {
  sending: 7001, receiving: 7002, halfway: 7003, timeWait: 7004, connecting: 7005, synReceived: 7006, closedFirst: 7007,
};
const TICK_MS = 30, CHUNK = 16_384;
/** A transfer ends within this time once the trouble is over, or is broken. */
export const LIMIT_MS = 25_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What the library's connections and the kernel's sockets have in common. */
type Either = Socket | Connection;

/** Sends a piece now and then until `last` says that it is enough; then ends. */
function drip(c: Either, last: (ticks: number) => boolean): void {
  let ticks = 0;
  const timer = setInterval(() => {
    if (c.destroyed || !c.writable) clearInterval(timer);
    else if (last(ticks++)) {
      clearInterval(timer);
      c.end();
    } else c.write(pattern(CHUNK));
  }, TICK_MS);
}

/** The peer's part of a transfer, by its port. */
function serve(port: number, c: Either): void {
  c.on("error", () => {});
  let got = 0, told = false;
  c.on("data", (d: Buffer) => {
    got += d.length;
    told = true;
  });
  if (port === PORTS.closedFirst) c.end();
  else if (port === PORTS.receiving) drip(c, () => told);
  else c.on("end", () => (port === PORTS.halfway ? drip(c, (ticks) => ticks === 60) : c.end(`${got}`)));
}

/**
 * Counts bytes and ends of one connection of ours. `isHasty`: it is not to wait for the peer's FIN, once all is there.
 */
function watch(
  name: string, c: Connection, pending: Pending, expected: (got: Buffer) => boolean, { isHasty = false } = {},
): void {
  const pieces: Buffer[] = [];
  let error: Error | undefined;
  c.on("error", (e) => (error = e)).on("data", (d: Buffer) => {
    pieces.push(d);
    if (isHasty && expected(Buffer.concat(pieces))) c.destroy();
  });
  const end = pending.callback(name);
  c.on("close", () => {
    end(
      error
        ?? (expected(Buffer.concat(pieces))
          ? undefined
          : Object.assign(new Error("not what was sent"), { code: "SHORT" })),
    );
  });
}

/** Waits for a line on standard input, which is wanted no more then. */
async function told(): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  await new Promise((resolve) => lines.once("line", resolve));
  lines.close();
  process.stdin.destroy();
}

async function stack(link: string, peer: string): Promise<void> {
  const passt = { ip: STACK_IP, prefix: 24, gateway: peer, ports: [PORTS.synReceived] };
  // What Debian 12's passt cannot hand on at once it loses its place over: with small windows its socket is never full.
  const s = await Stack.open({
    link: await openLink(link, passt), ip: `${STACK_IP}/24`, gateway: peer,
    ...(link.startsWith("passt") ? { userTimeoutMs: 5_000, recvRing: 16_384 } : { userTimeoutMs: 90_000 }),
  });
  const pending = new Pending(), connect = (port: number): Promise<Connection> => s.connect({ host: peer, port });
  const server = s.listen({ port: PORTS.synReceived });
  const accepted = new Promise<void>((resolve) => server.once("connection", (c: Connection) => {
    c.on("error", () => {}).end("hello");
    c.resume();
    resolve();
  }));
  pending.promise("synReceived", accepted);

  // passt of Debian 12 hands no FIN on once it has had ours.
  let over = false, sent = 0;
  const isHasty = link.startsWith("passt");
  const send = (c: Connection): void => {
    const timer = setInterval(() => {
      if (over || c.destroyed) {
        clearInterval(timer);
        c.end(pending.callback("end"));
      } else {
        if (c === sending) sent += CHUNK;
        c.write(pattern(CHUNK), pending.callback("write"));
      }
    }, TICK_MS);
  };
  const sending = await connect(PORTS.sending);
  watch("sending", sending, pending, (got) => over && String(got) === String(sent), { isHasty });
  send(sending);
  const receiving = await connect(PORTS.receiving);
  const isDripped = (got: Buffer): boolean =>
    got.length > 0 && got.length % CHUNK === 0 && got.every((b, i) => b === pattern(1, i % CHUNK)[0]);
  watch("receiving", receiving, pending, isDripped);
  // Closed halfway: by us, or where that does not work, by the peer.
  const halfway = await connect(isHasty ? PORTS.closedFirst : PORTS.halfway);
  watch("halfway", halfway, pending, (got) =>
    isHasty ? got.length === 0 : got.length === 60 * CHUNK && isDripped(got),
  );
  if (isHasty) send(halfway);
  else halfway.end();
  const timeWait = await connect(PORTS.timeWait);
  watch("timeWait", timeWait, pending, (got) => String(got) === "0", { isHasty });
  timeWait.end();
  await Promise.race([once(timeWait, "close"), sleep(5000)]);
  pending.promise("connecting", connect(PORTS.connecting).then((c) => c.on("error", () => {}).destroy()));
  await sleep(200);
  console.log("ready");

  await told();
  over = true;
  // The peer's FIN is the first there.
  if (isHasty) receiving.once("end", () => receiving.end()).write("enough");
  else receiving.end("enough");
  const left = await pending.settled(LIMIT_MS);
  // Whatever happened, the next connection works.
  const fresh = await connect(PORTS.timeWait).then(async (c) => {
    c.on("error", () => {}).on("data", () => isHasty && c.destroy()).end();
    await new Promise((resolve) => c.once("close", resolve));
    return c.errored === null ? "ok" : (c.errored as { code?: string }).code ?? "error";
  }, (e: { code?: string }) => e.code ?? "error");
  console.log(JSON.stringify({ ended: Object.fromEntries(pending.ended), left, fresh }));
  await s.close(0);
}

/** Connects until it is answered. */
async function knock(where: string): Promise<void> {
  for (let answered = false; !answered; await sleep(100)) {
    answered = await new Promise<boolean>((resolve) => {
      const c = connectSocket({ host: where, port: PORTS.synReceived }, () => c.end());
      c.on("error", () => {}).on("data", () => resolve(true)).on("close", () => resolve(false));
      // passt says SYN once, and so do we while ours are dropped; the kernel's patience is longer than the test's.
      c.setTimeout(2000, () => c.destroy());
    });
  }
}

async function peer(address: string, where: string): Promise<void> {
  for (const port of Object.values(PORTS).filter((p) => p !== PORTS.synReceived)) {
    await once(
      createServer({ allowHalfOpen: true }, (c) => serve(port, c)).listen({ host: address, port }), "listening",
    );
  }
  console.log("serving");
  void knock(where);
}

/** Whether this is the whole of an answer of the HTTP service, whose body has that sum. */
function isAnswer(got: Buffer, sum: string): boolean {
  const head = got.indexOf("\r\n\r\n");
  return head > 0 && createHash("sha256").update(got.subarray(head + 4)).digest("hex") === sum;
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

/** Six connections to `stint up`: its echo, discard, chargen and HTTP. */
async function clients(where: string, sum: string): Promise<void> {
  const pending = new Pending();
  let over = false;
  const open = (
    name: string, port: number, isGood: (got: Buffer) => boolean,
  ): { socket: Socket; got: () => Buffer } => {
    const socket = connectSocket({ host: where, port, allowHalfOpen: true });
    const end = pending.callback(name), pieces: Buffer[] = [];
    let error: Error | undefined;
    socket.on("error", (e) => (error = e)).on("end", () => socket.end()).on("data", (d: Buffer) => {
      pieces.push(d);
      if (over) return;
      // A slow reader: the service is in the middle of it.
      socket.pause();
      setTimeout(() => socket.resume(), 60);
    });
    const got = (): Buffer => Buffer.concat(pieces);
    socket.on("close", () =>
      end(error ?? (isGood(got()) ? undefined : Object.assign(new Error("not what was sent"), { code: "SHORT" }))),
    );
    return { socket, got };
  };
  const isFile = (got: Buffer): boolean => isAnswer(got, sum);
  const connected = ({ socket }: { socket: Socket }): Promise<unknown> => once(socket, "connect");
  const sending = open("sending", 80, isFile);
  const halfway = open("halfway", 80, isFile);
  const receiving = open("receiving", 9, (got) => got.length === 0);
  const idle = open("idle", 7, (got) => String(got) === "still here");
  const timeWait = open("timeWait", 80, (got) => String(got).startsWith("HTTP/1.1 404"));
  await Promise.all([sending, halfway, receiving, idle, timeWait].map(connected));
  sending.socket.write(get("/file"));
  // Our FIN is the first, and the answer comes after it.
  halfway.socket.end(get("/file"));
  drip(receiving.socket, () => over);
  // The service's FIN is the first.
  timeWait.socket.write(get("/none"));
  await Promise.all([once(timeWait.socket, "close"), once(sending.socket, "data"), sleep(300)]);
  const half = open("synReceived", 19, (got) => got.length > 0);
  half.socket.once("data", () => half.socket.destroy());
  await sleep(200);
  console.log("ready");
  await told();
  over = true;
  idle.socket.write("still here");
  idle.socket.on("data", () => idle.got().length === 10 && idle.socket.end());
  const left = await pending.settled(LIMIT_MS);
  const next = open("fresh", 80, isFile);
  next.socket.end(get("/file"));
  await once(next.socket, "close").catch(() => {});
  console.log(
    JSON.stringify({ ended: Object.fromEntries(pending.ended), left, fresh: pending.ended.get("fresh")?.[0] }),
  );
}

const [what, first, second] = process.argv.slice(2);
if (what === "peer") void peer(first!, second!);
if (what === "stack") void stack(first!, second!);
if (what === "clients") void clients(first!, second!);
