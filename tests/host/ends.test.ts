/** Commands that end before their connections do: the peer is told, and the exit status says what became of it. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Stack, streamLink, type Connection, type Link } from "../../host/index.js";
import { environment, said, started } from "../harness/programs.js";

interface Ended { status: number | null; err: string }

/** A command at 10.0.0.2, and a stack at 10.0.0.1, with a wire between them. */
async function scene<T>(
  args: string[], run: (stack: Stack, child: ChildProcess, ended: Promise<Ended>) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "stint-ends-")), path = join(dir, "wire");
  const server = createServer().listen(path);
  await once(server, "listening");
  const opened = once(server, "connection").then(([socket]) => {
    const s = socket as Socket;
    s.on("error", () => {});
    // The stack does not hear of the command's end: all that it hears is what the command says.
    const inner = streamLink(s, s, () => s.destroy());
    const link: Link = {
      send: (frame) => inner.send(frame),
      onFrame: () => {},
      onClose: () => {},
      close: () => void s.destroy(),
    };
    inner.onFrame = (frame) => link.onFrame(frame);
    return Stack.open({ link, ip: "10.0.0.1/24" });
  });
  const child = started(process.execPath, [
    "build/stint.js", ...args, "--link", `stream:${path}`, "--ip", "10.0.0.2/24", "--no-ipv6",
  ], { env: environment({}) });
  let err = "";
  child.stderr.on("data", (d: Buffer) => (err += d.toString()));
  const ended = once(child, "close").then(([status]) => ({ status: status as number | null, err }));
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  try {
    const stack = await opened;
    stack.on("error", () => {});
    const result = await run(stack, child, ended);
    await stack.close(0);
    return result;
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    server.close();
    rmSync(dir, { recursive: true });
  }
}

/** How a connection ended: "end", or its error's code. */
const fate = (c: Connection): Promise<string> => new Promise((resolve) => {
  c.on("end", () => resolve("end")).on("error", (e: NodeJS.ErrnoException) => resolve(e.code ?? "")).resume();
});

describe("a terminal that closes (SIGHUP)", () => {
  it("lets stint connect tell its peer, with status 130", async () => {
    const [how, { status, err }] = await scene(["connect", "10.0.0.1", "80"], async (stack, child, ended) => {
      const c = await stack.listen({ port: 80 }).accept(), how = fate(c!);
      child.kill("SIGHUP");
      return Promise.all([how.then((h) => (c!.end(), h)), ended]);
    });
    assert.deepEqual([how, status], ["end", 130], err);
  });

  it("lets stint up finish what it has begun, however often it is said", async () => {
    const [got, how, { status, err }] = await scene(["up", "--echo", "7"], async (stack, child, ended) => {
      await said(child, "ready");
      const c = await stack.connect({ host: "10.0.0.2", port: 7 }), how = fate(c);
      c.write("hello");
      const [got] = (await once(c, "data")) as [Buffer];
      for (let i = 0; i < 3; i++) child.kill("SIGHUP");
      return [String(got), await how.then((h) => (c.end(), h)), await ended] as const;
    });
    assert.deepEqual([got, how, status], ["hello", "end", 0], err);
  });
});

describe("stint connect whose output nobody reads any more", () => {
  it("tells its peer, and ends with status 1", async () => {
    const [how, { status, err }] = await scene(["connect", "10.0.0.1", "80"], async (stack, child, ended) => {
      const c = await stack.listen({ port: 80 }).accept(), how = fate(c!);
      child.stdout!.destroy();
      const timer = setInterval(() => c!.write(Buffer.alloc(1000)), 20);
      c!.on("close", () => clearInterval(timer));
      return Promise.all([how, ended]);
    });
    assert.equal(status, 1, err);
    // Which of them depends on what had arrived and was not read.
    assert.match(how, /^(end|RESET)$/);
    assert.match(err, /^stint connect: 10\.0\.0\.1 port 80: nobody reads what it sends$/m);
  });
});
