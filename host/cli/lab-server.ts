/**
 * The server of `stint lab`: the page, and what it hears of a live stack. It listens on the loopback, and a page that
 * watches has to know a token; other sites' pages reach neither (RFC 6455 §10.2), whatever name they give this machine.
 */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type * as Ws from "ws";
import { addressText, endpoint } from "../address6.js";
import type { Frame } from "../lab/analyze.js";
import { packFrames, type News, type Told } from "../lab/live.js";
import { wallUs } from "../links/capture.js";
import { LinkError, type Link } from "../links/link.js";
import { tapped } from "../links/tapped.js";
import { buildDir } from "../module.js";
import type { ServiceStack } from "../services.js";
import { hasToken, newToken, refuse } from "./token.js";

/** How often a page hears of frames, and of connections, ms. */
const FRAMES_MS = 50, TOLD_MS = 100;
/** Bytes that may wait for a page; more is left out, and frames are counted. */
const WAITING_MAX = 8 << 20;
/** Bytes of frames that are kept for a page that comes later. */
const KEPT_MAX = 4 << 20;
/** How long pages have at the end to say that they have heard of it, ms. */
const CLOSING_MS = 500;
/** Pages at a time, and connections that a page hears of. */
const PAGES_MAX = 8, TOLD_MAX = 64;

interface Page {
  socket: Ws.WebSocket;
  missed: number;
}

async function webSockets(): Promise<typeof Ws> {
  try {
    return await import("ws");
  } catch {
    throw new RangeError("stint lab --link needs the package ws: npm install ws@8");
  }
}

/** The page as it was built. What it may connect to is whoever served it, where it watches a stack. */
function builtPage(watches: boolean): string {
  const path = join(buildDir(), "lab", "index.html");
  if (!existsSync(path)) throw new RangeError(`${path} is missing; run \`npm run build\` first`);
  const page = readFileSync(path, "utf8");
  return watches ? page.replace("default-src 'none';", "default-src 'none'; connect-src 'self';") : page;
}

const pathOf = (request: IncomingMessage): string => (request.url ?? "").replace(/\?.*/, "");

/** Serves the page, and shows it what a link carries. */
export class LabServer {
  readonly #token = newToken();
  readonly #pages = new Set<Page>();
  readonly #html: string;
  #kept: Pick<Frame, "timeUs" | "bytes">[] = [];
  #keptBytes = 0;
  #fresh: Pick<Frame, "timeUs" | "bytes">[] = [];
  #freshBytes = 0;
  #timers: NodeJS.Timeout[] = [];
  /** Where a browser goes. */
  url = "";

  private constructor(
    private readonly server: Server, private readonly link: string | undefined,
    sockets: Ws.WebSocketServer | undefined,
  ) {
    this.#html = builtPage(link !== undefined);
    server.on("request", (request, response) => this.#answer(request, response));
    // Without it, Node answers such requests like any other.
    if (sockets !== undefined)
      server.on("upgrade", (request, socket, head) => this.#upgrade(sockets, request, socket, head));
  }

  /**
   * Listens on a port of the loopback, 0: any. `link`: what is watched, by its name. Throws a LinkError if it cannot,
   * and a RangeError where the page or the package ws is missing.
   */
  static async open(port: number, link?: string): Promise<LabServer> {
    const sockets = link === undefined
      ? undefined
      : new (await webSockets()).WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false });
    const web = createServer(), server = new LabServer(web, link, sockets);
    web.listen(port, "127.0.0.1");
    await once(web, "listening").catch((e: Error) => {
      throw new LinkError(`cannot listen on port ${port}: ${e.message}; --port takes another one`);
    });
    const at = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`;
    server.url = link === undefined ? at : `${at}?live=${server.#token}`;
    if (link !== undefined) server.#timers.push(setInterval(() => server.#tell(), FRAMES_MS));
    return server;
  }

  /** Whether a request names this server, as only a page of its own, or whoever typed its address, does. */
  #isMeant(request: IncomingMessage): boolean {
    const { port } = this.server.address() as AddressInfo, { host = "", origin } = request.headers;
    const hosts = ["127.0.0.1", "localhost"].flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]);
    return hosts.includes(host) && (origin === undefined || origin === `http://${host}`);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = pathOf(request);
    const status = !this.#isMeant(request)
      ? 421
      : request.method !== "GET" && request.method !== "HEAD"
        ? 405
        : path !== "/" && path !== "/index.html"
          ? 404
          : this.link !== undefined && !hasToken(request, "live", this.#token)
            ? 401
            : 200;
    response.writeHead(status, {
      "Content-Type": `${status === 200 ? "text/html" : "text/plain"}; charset=utf-8`, "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
      ...(status === 405 ? { Allow: "GET, HEAD" } : {}),
    });
    if (status === 401) response.end("Open the whole address that stint lab printed.\n");
    else response.end(status === 200 ? this.#html : "");
  }

  #upgrade(sockets: Ws.WebSocketServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {});
    const status = pathOf(request) !== "/live"
      ? 404
      // Browsers always say where a page came from.
      : !this.#isMeant(request) || request.headers.origin === undefined
        ? 403
        : !hasToken(request, "token", this.#token)
          ? 401
          : this.#pages.size >= PAGES_MAX
            ? 503
            : 0;
    if (status !== 0) return refuse(socket, status);
    sockets.handleUpgrade(request, socket, head, (client) => this.#welcome(client));
  }

  #welcome(socket: Ws.WebSocket): void {
    const page = { socket, missed: 0 };
    socket.on("error", () => {}).on("close", () => this.#pages.delete(page));
    this.#say(page, { link: this.link! });
    // What came before it, up to now: what is fresh comes to all.
    if (this.#kept.length > 0) socket.send(packFrames(this.#kept));
    this.#pages.add(page);
  }

  #say({ socket }: Page, news: News): void {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(news));
  }

  /** The same link; its frames are shown. */
  watch(link: Link): Link {
    return tapped(link, (frame) => {
      const bytes = frame.slice();
      this.#fresh.push({ timeUs: wallUs(), bytes });
      this.#freshBytes += bytes.length;
      if (this.#freshBytes > KEPT_MAX) this.#tell();
    });
  }

  /** Tells of a stack's connections from now on. */
  stack(stack: ServiceStack): void {
    this.#timers.push(setInterval(() => this.#tellOf(stack), TOLD_MS));
  }

  /** Sends what is fresh, and keeps the newest for pages to come. */
  #tell(): void {
    const fresh = this.#fresh;
    if (fresh.length === 0) return;
    const message = this.#pages.size > 0 ? packFrames(fresh) : undefined;
    for (const page of this.#pages) {
      const { socket } = page;
      if (socket.bufferedAmount > WAITING_MAX) page.missed += fresh.length;
      else if (socket.readyState === socket.OPEN) {
        if (page.missed > 0) this.#say(page, { missed: page.missed });
        page.missed = 0;
        socket.send(message!);
      }
    }
    for (const frame of fresh) this.#kept.push(frame);
    this.#keptBytes += this.#freshBytes;
    this.#fresh = [];
    this.#freshBytes = 0;
    let gone = 0;
    while (this.#keptBytes > KEPT_MAX) this.#keptBytes -= this.#kept[gone++]!.bytes.length;
    if (gone > 0) this.#kept = this.#kept.slice(gone);
  }

  #tellOf(stack: ServiceStack): void {
    if (this.#pages.size === 0) return;
    const told: Told[] = [];
    for (const info of stack.connections(TOLD_MAX)) {
      const { lip, lport, rip, rport, cwnd, ssthresh, srttUs, rtoUs } = info;
      told.push({
        names: [endpoint(addressText(stack, lip), lport), endpoint(addressText(stack, rip), rport)],
        cwnd, ssthresh, srttMs: srttUs / 1000, rtoMs: rtoUs / 1000,
      });
    }
    if (told.length === 0) return;
    for (const page of this.#pages)
      if (page.socket.bufferedAmount < WAITING_MAX) this.#say(page, { timeUs: wallUs(), told });
  }

  /** Tells pages the rest, and ends. */
  close(): void {
    this.#tell();
    for (const timer of this.#timers) clearInterval(timer);
    for (const { socket } of this.#pages) {
      socket.close(1001);
      setTimeout(() => socket.terminate(), CLOSING_MS).unref();
    }
    this.server.close();
    this.server.closeAllConnections();
  }
}
