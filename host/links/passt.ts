/**
 * passt: the host's network for a stack without privileges. It is started here, and forwards the ports of the services.
 */
import { spawn } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { idOf } from "../privilege.js";
import { hasProgram } from "../programs.js";
import { LinkError, type Link } from "./link.js";
import { connectStream } from "./stream.js";
import { surviving } from "./surviving.js";

/** How passt is started. */
export interface PasstOptions {
  /**
   * The stack's own address and its router's. Without an address passt hands one out by DHCP, and its router and the
   * host's DNS servers with it.
   */
  ip: string | undefined;
  /** Length of its network's prefix, bits. */
  prefix: number;
  /** The router's address, which is passt's own. */
  gateway: string | undefined;
  /** TCP ports of the host that are forwarded to the same ports of the stack. */
  ports: number[];
  /** Whom the link's programs are to be, where they need not be root. */
  user?: string;
  /** The ports are open on every address of the host, not on 127.0.0.1 alone. */
  everywhere?: boolean;
  /** The router's address reaches what listens on the host's own loopback. */
  hostLoopback?: boolean;
}

/** What passt hands out where the user says nothing. */
const HANDED_OUT = { ip: "10.0.2.15", prefix: 24, gateway: "10.0.2.2" };

function mask(prefix: number): string {
  return [0, 8, 16, 24].map((s) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - s)))).join(".");
}

/** Starts passt, and again whenever it has ended. */
export function openPasst(options: PasstOptions): Promise<Link> {
  return surviving(() => startPasst(options));
}

async function startPasst(options: PasstOptions): Promise<Link> {
  if (!hasProgram("passt")) throw new LinkError("this link needs passt; install it with: apt-get install passt");
  const dir = mkdtempSync(join(tmpdir(), "stint-passt-"));
  const path = join(dir, "socket");
  const { ip = HANDED_OUT.ip, gateway = options.ip === undefined ? HANDED_OUT.gateway : undefined } = options;
  // One client, and it ends: `runas` takes the signal from it that tells of a parent that was killed.
  const args = [
    "--foreground", "--one-off", "--ipv4-only", "--socket", path, "--address", ip, "--netmask",
    mask(options.ip === undefined ? HANDED_OUT.prefix : options.prefix), "--mtu", "1500", "--no-ndp", "--no-dhcpv6",
    "--no-ra", "--search", "none", "--udp-ports", "none",
  ];
  if (options.ip !== undefined) args.push("--no-dhcp", "--dns", "none");
  if (gateway !== undefined) args.push("--gateway", gateway);
  const address = options.everywhere ? "" : "127.0.0.1/";
  args.push("--tcp-ports", options.ports.length > 0 ? `${address}${options.ports.join(",")}` : "none");
  if (!options.hostLoopback) args.push("--no-map-gw");
  if (process.getuid?.() === 0) {
    // passt does not stay root, and makes its socket afterwards: the folder, which is closed to others, is its user's.
    const { uid, gid } = idOf(options.user ?? "nobody");
    args.push("--runas", `${uid}:${gid}`);
    chownSync(dir, uid, gid);
  }
  const [program, first] = hasProgram("setpriv")
    ? (["setpriv", ["--pdeathsig", "TERM", "passt"]] as const)
    : (["passt", []] as const);
  const child = spawn(program, [...first, ...args], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let words = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (words += data.toString()));
  let ended = false;
  child.once("exit", () => (ended = true)).once("error", () => (ended = true));
  const clean = (): void => rmSync(dir, { recursive: true, force: true });
  for (let i = 0; ; i++) {
    try {
      const link = await connectStream(path);
      const close = link.close.bind(link);
      link.close = () => {
        close();
        child.kill();
        clean();
      };
      const unref = link.unref!.bind(link);
      link.unref = () => {
        for (const stream of [child.stdout, child.stderr]) (stream as unknown as Socket).unref();
        unref();
      };
      child.unref();
      return link;
    } catch (e) {
      if (!ended && i < 100) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      child.kill();
      clean();
      throw new LinkError(`passt did not start: ${words.trim().split("\n").at(-1) || (e as Error).message}`);
    }
  }
}
