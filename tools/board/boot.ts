/** Runs a firmware: in QEMU, or here. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ownAddress } from "../../host/cli/own-address.js";
import { openLink } from "../../host/links/open.js";
import { streamLink } from "../../host/links/stream.js";
import { checkTap } from "../../host/links/tap.js";
import { findProgram } from "../../host/programs.js";
import type { ServiceName } from "../../host/services.js";
import { ToolError } from "../translate/error.mjs";
import { DEBIAN, PORTS, type Firmware } from "./firmware.js";

/** A socket that a program connects to, and whose frames go to a link and come from it. */
async function bridge(
  text: string, ip: string | undefined, gateway: string | undefined, ports: number[],
): Promise<{ path: string; close: () => void }> {
  const dir = mkdtempSync(join(tmpdir(), "stint-board-")), path = join(dir, "link");
  const link = await openLink(text, { ...ownAddress(ip), gateway, ports });
  const server = createServer((socket) => {
    const inner = streamLink(socket, socket, () => socket.destroy());
    inner.onFrame = (frame) => link.send(frame);
    link.onFrame = (frame) => inner.send(frame);
    inner.onClose = () => {};
    socket.on("error", () => {});
  });
  server.listen(path);
  return { path, close: () => (server.close(), link.close(), rmSync(dir, { recursive: true, force: true })) };
}

/** Boots a firmware on a link, in QEMU or here, until it ends or is told to. Returns its exit status. */
export async function boot(
  built: Firmware, options: { link?: string; ip?: string; gateway?: string; services: ServiceName[] },
): Promise<number> {
  const { board, elf } = built, link = options.link;
  if (board.qemu === undefined && board.linkerScript !== undefined)
    throw new ToolError(`${board.title} is not emulated; flash build/boards/NAME/firmware.uf2 (boards/PORTING.md)`);
  if (link === undefined) throw new ToolError("--run needs --link, one of tap:NAME, stream:PATH or passt");
  let path: string | undefined, close = (): void => {};
  const native = board.qemu !== undefined && link.startsWith("tap:");
  // QEMU would make one that leads nowhere, and the firmware would be ready on it.
  if (native) checkTap(link.slice(4));
  if (link.startsWith("stream:")) path = resolve(link.slice(7));
  else if (!native)
    ({ path, close } = await bridge(link, options.ip, options.gateway, options.services.map((s) => PORTS[s])));
  let command: string[], env = process.env;
  if (board.qemu === undefined) {
    command = [elf];
    env = { ...env, STINT_STREAM: path! };
  } else {
    const netdev = native
      ? `tap,id=n0,ifname=${link.slice(4)},script=no,downscript=no`
      : `stream,id=n0,server=off,addr.type=unix,addr.path=${path}`;
    const net = [
      "-netdev",
      netdev,
      ...(board.nic!.startsWith("virtio")
        ? ["-device", `${board.nic},netdev=n0`]
        : ["-net", `nic,netdev=n0,model=${board.nic}`]),
    ];
    command = [
      ...board.qemu, "-nographic", "-monitor", "none", "-serial", "stdio", "-semihosting-config",
      "enable=on,target=native", ...net, "-kernel", elf,
    ];
  }
  if (findProgram(command[0]!) === undefined && !existsSync(command[0]!))
    throw new ToolError(`${command[0]} is missing; apt-get install ${DEBIAN[command[0]!]}`);
  const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "inherit", "inherit"], env });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill("SIGTERM"));
  const status = await new Promise<number>((done) =>
    child.once("exit", (code, signal) => done(code ?? (signal === "SIGTERM" ? 0 : 1))),
  );
  close();
  return status;
}
