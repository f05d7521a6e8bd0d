/** `stint relay`: stacks in browsers, and emulators there, on a network of this machine, over WebSockets. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { InvalidArgumentError, type Command } from "commander";
import type * as Ws from "ws";
import { CaptureFile } from "../links/capture.js";
import { LinkError } from "../links/link.js";
import { messageLink } from "../links/messages.js";
import { nat } from "../links/nat/nat.js";
import { LINK_FORMS, openLink } from "../links/open.js";
import { Switch } from "../links/switch.js";
import { becomeUser, checkUser } from "../privilege.js";
import { within } from "./arguments.js";
import { whenAsked } from "./signals.js";
import { hasToken, newToken, refuse } from "./token.js";

interface RelayOptions {
  listen: { host: string; port: number };
  link?: string;
  token?: string | false;
  origin?: string[];
  clients: number;
  rate: number;
  frames: number;
  stations: number;
  isolated?: boolean;
  pcap?: string;
  user?: string;
}

/** Bytes that may wait for a client; frames beyond are dropped, as on a cable that is full. */
const WAITING_MAX = 1 << 20;
/** Frames that wait for a client's rate, at most. */
const QUEUE = 256;
/** How often a client is asked whether it is there, ms. */
const PING_MS = 30_000;
const MESSAGE_MAX = 1 << 17;
/** How long clients have at the end to say that they have heard of it, ms. */
const CLOSING_MS = 500;

function parseListen(text: string): { host: string; port: number } {
  const [, host = "127.0.0.1", port] = /^(?:\[?([^\]]*)\]?:)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535)
    throw new InvalidArgumentError("write it as PORT or HOST:PORT; port 0 is any that is free.");
  return { host: host === "" ? "127.0.0.1" : host, port: Number(port) };
}

/** `stint relay`: listens on loopback and wants a token, unless it is told otherwise. */
export function addRelay(program: Command): void {
  program
    .command("relay")
    .description("put stacks in browsers (webSocketLink, v86, container2wasm) on a network, over WebSockets")
    .option("--listen <host:port>", "where clients come; by default 127.0.0.1:8001", parseListen, parseListen("8001"))
    .option("--link <link>", `where the network leads: ${LINK_FORMS}; by default nowhere: clients reach each other`)
    .option("--token <text>", "what clients must know; by default made anew, and printed")
    .option("--no-token", "anybody may come")
    .option(
      "--origin <origin>", "a page's origin that may come; may be repeated; by default any, with the token",
      (text: string, before: string[] = []) => [...before, text],
    )
    .option("--clients <n>", "clients at a time", within(1, 4096), 64)
    .option("--rate <kbit/s>", "how much a client may send; more is dropped", within(1, 10_000_000), 50_000)
    .option("--frames <n>", "how many frames a client may send in a second", within(1, 1_000_000), 10_000)
    .option("--stations <n>", "MAC addresses that a client may have", within(1, 1024), 8)
    .option("--isolated", "clients do not reach each other, only where the link leads")
    .option("--pcap <file>", "write the frames to a pcapng file")
    .option("--user <name>", "who to be once the link is open")
    .action(relay);
}

/** Why a client may not come: a status of HTTP; 0: it may. */
function refusal(request: IncomingMessage, token: string | undefined, origins: string[] | undefined): number {
  if (token !== undefined && !hasToken(request, "token", token)) return 401;
  return origins !== undefined && !origins.includes(request.headers.origin ?? "") ? 403 : 0;
}

/** How many frames may pass: so many a second, and as many at once. */
function bucket(perSecond: number): () => boolean {
  let left = perSecond, then = performance.now();
  return () => {
    const now = performance.now();
    left = Math.min(perSecond, left + ((now - then) * perSecond) / 1000);
    then = now;
    if (left < 1) return false;
    left--;
    return true;
  };
}

/** A client on a port of the network. */
function join(socket: Ws.WebSocket, lan: Switch, options: RelayOptions, name: string): void {
  const link = messageLink((message) => {
    if (socket.readyState === socket.OPEN && socket.bufferedAmount < WAITING_MAX) socket.send(message);
  }, () => socket.close(1003));
  const mayPass = bucket(options.frames);
  const out = { rate: options.rate * 1000, queue: QUEUE, stations: options.stations };
  const unplug = lan.connect(link, { name, isolated: options.isolated === true, ...out });
  // What a message carries is counted where frames are told apart.
  const take = link.onFrame;
  link.onFrame = (frame) => {
    if (mayPass()) take(frame);
  };
  let isThere = true;
  const timer = setInterval(() => {
    if (!isThere) return socket.terminate();
    isThere = false;
    socket.ping();
  }, PING_MS);
  socket
    .on("message", (data: Buffer, isBinary) => {
      if (isBinary) link.take(data);
    })
    .on("pong", () => (isThere = true))
    .on("error", () => {})
    .on("close", () => {
      clearInterval(timer);
      unplug();
    });
}

async function webSockets(): Promise<typeof Ws> {
  try {
    return await import("ws");
  } catch {
    throw new RangeError("a relay needs the package ws: npm install ws@8");
  }
}

async function plugIn(lan: Switch, { link, isolated, user }: RelayOptions): Promise<void> {
  if (link === undefined && isolated) throw new RangeError("--isolated needs --link: there would be nobody to reach");
  // A network of its own has somebody who hands addresses out, and leads nowhere.
  const uplink = link === undefined
    ? nat({ allow: () => false, servers: [] })
    : await openLink(link, {
      ip: undefined, prefix: 0, gateway: undefined, ports: [], ...(user === undefined ? {} : { user }),
    });
  lan.connect(uplink, { name: link ?? "gateway" });
}

async function relay(options: RelayOptions): Promise<void> {
  if (options.user !== undefined) checkUser(options.user);
  const { WebSocketServer } = await webSockets();
  const token = options.token === false ? undefined : (options.token ?? newToken());
  const capture = options.pcap === undefined ? undefined : new CaptureFile(options.pcap, []);
  const lan = new Switch(capture === undefined ? {} : { capture });
  const web = createServer((_request, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_MAX, perMessageDeflate: false });
  let number = 0;
  web.on("upgrade", (request, socket, head) => {
    socket.on("error", () => {});
    const status = sockets.clients.size >= options.clients ? 503 : refusal(request, token, options.origin);
    if (status !== 0) return refuse(socket, status);
    sockets.handleUpgrade(request, socket, head, (client) => join(client, lan, options, `client ${++number}`));
  });
  try {
    await plugIn(lan, options);
    const { host, port } = options.listen;
    web.listen(port, host);
    await once(web, "listening").catch((e: Error) => {
      throw new LinkError(`cannot listen on port ${port} of ${host}: ${e.message}`);
    });
    if (options.user !== undefined) becomeUser(options.user);
    const { port: got } = web.address() as AddressInfo, at = host.includes(":") ? `[${host}]` : host;
    console.log(`ready ws://${at}:${got}/${token === undefined ? "" : `?token=${encodeURIComponent(token)}`}`);
    await new Promise<void>((stop) => whenAsked(stop));
  } finally {
    for (const client of sockets.clients) {
      client.close(1001);
      setTimeout(() => client.terminate(), CLOSING_MS).unref();
    }
    web.close();
    web.closeAllConnections();
    lan.close();
  }
}
