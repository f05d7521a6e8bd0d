/** Firmware on emulated boards (QEMU), and the PC port, against the Linux kernel over TAP. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Lab, PEER_IP, STACK_IP, lacks, missing, sha256 } from "./lab.js";
import { Deframer, enframe } from "../../host/links/stream.js";
import { arp, BROADCAST, ip4, see } from "../harness/codec.js";
import { completed, environment, ran, said, started, succeeded, until } from "../harness/programs.js";

const TOOLS: Record<string, string[]> = {
  lm3s6965evb: ["arm-none-eabi-gcc", "qemu-system-arm"],
  "mps2-an385": ["arm-none-eabi-gcc", "qemu-system-arm"],
  "rv-virt": ["riscv64-unknown-elf-gcc", "qemu-system-riscv32"],
};
const MB = 1_000_000;
/** What goes through echo: with rings of one segment the kernel's delayed ACK sets the pace, so less there. */
const ECHO: Record<string, number> = { lm3s6965evb: MB, "mps2-an385": 10 * MB, "rv-virt": 10 * MB };
/**
 * Bytes of the C stack that no conversation may touch: room for a compiler that does otherwise. boards/README.md has
 * what is left.
 */
const STACK_RESERVE = 128;
/** Other runtimes than C: the board, and what the machine needs for it. They run what shows that the runtime works. */
const RUNTIMES: [board: string, runtime: string, needs: string[]][] = [
  ["lm3s6965evb", "inplace", ["gcc"]], ["mps2-an385", "wasm3", ["wasm3"]], ["rv-virt", "wasm3", ["wasm3"]],
];

function board(...args: string[]): { status: number | null; out: string; err: string } {
  const r = ran(process.execPath, ["--import", "tsx", "tools/board.ts", ...args]);
  return { status: r.status, out: r.stdout, err: r.stderr };
}

const ADDRESSED = ["--ip", `${STACK_IP}/24`, "--gateway", PEER_IP], TOO_MUCH = ["--connections", "40"];

/**
 * Modules take longest, and are kept: those that tests/host/boards does not have are made here, on every processor.
 * Boards whose rings are the same have one.
 */
before(async () => {
  const dir = mkdtempSync(join(tmpdir(), "stint-firmware-"));
  const made = [["mps2-an385", ...ADDRESSED], ["lm3s6965evb", ...TOO_MUCH]].map(async ([name, ...args], i) => {
    if (missing(...TOOLS[name!]!) !== undefined) return;
    const build = ["--import", "tsx", "tools/board.ts", name!, ...args, "--out", join(dir, String(i))];
    // What cannot be made is told by the tests.
    await completed(process.execPath, build).catch(() => {});
  });
  await Promise.all(made);
  rmSync(dir, { recursive: true });
});

/** A board in the lab's namespace, on its TAP device. */
class Running {
  out = "";
  readonly child: ChildProcess;

  constructor(lab: Lab, name: string, runtime: string, dir: string) {
    this.child = lab.start(process.execPath, [
      "--import", "tsx", "tools/board.ts", name, "--runtime", runtime, "--debug", ...ADDRESSED, "--out", dir,
      "--run", "--link", "tap:tap0",
    ]);
    for (const stream of [this.child.stdout!, this.child.stderr!]) stream.on("data", (d: Buffer) => (this.out += d));
  }

  /** Waits until the console has said `text` so many times. */
  async said(text: string, times = 1, seconds = 60): Promise<void> {
    const end = Date.now() + seconds * 1000;
    while (this.out.split(text).length - 1 < times) {
      if (Date.now() > end || this.child.exitCode !== null)
        assert.fail(`"${text}" was expected ${times} times on the console, which said:\n${this.out}`);
      await sleep(20);
    }
  }
}

const BOARDS = Object.keys(TOOLS).map((name): (typeof RUNTIMES)[number] => [name, "aot", []]);
const ALL = [...BOARDS, ...RUNTIMES];
// Each has a network of its own, and mostly waits: what is measured is what clients see, or is counted. Its own tests
// follow each other.
describe("boards, two at a time", { concurrency: 2 }, () => { for (const [name, runtime, more] of ALL) {
  const isC = runtime === "aot", title = isC ? name : `${name}, ${runtime}`;
  describe(`${title}, the kernel over TAP`, { concurrency: 1 }, () => {
    const needs = ["root", "tap", "ip", "curl", "nc", "ping", "nft", "hping3", "pgrep", ...TOOLS[name]!, ...more];
    let lab: Lab | undefined, running: Running, dir: string;

    before(async () => {
      let missing = false;
      lacks({ skip: () => (missing = true) } as never, ...needs);
      if (missing) return;
      lab = new Lab();
      dir = mkdtempSync(join(tmpdir(), "stint-firmware-"));
      running = new Running(lab, name, runtime, dir);
      await running.said("ready", 1, 240);
    });
    after(() => {
      lab?.close();
      if (dir) rmSync(dir, { recursive: true, force: true });
    });

    const check = (what: string, body: (lab: Lab) => Promise<void>): void => {
      it(`${what} (${title})`, async (t: TestContext) => {
        if (!lacks(t, ...needs)) await body(lab!);
      });
    };
    /** What C alone does here: more of the same takes an interpreter long. */
    const checkC = (what: string, body: (lab: Lab) => Promise<void>): void => {
      if (isC) check(what, body);
    };
    const page = async (seconds = isC ? 5 : 30): Promise<string> => {
      const r = await lab!.sh(`curl -sS --max-time ${seconds} http://${STACK_IP}/`, seconds + 5);
      assert.equal(r.status, 0, r.err);
      return r.out;
    };
    const field = (text: string, label: string): number =>
      Number(new RegExp(`${label}\\s+(\\d+)`).exec(text)?.[1] ?? NaN);
    const echo = async (bytes: number, seconds: number): Promise<void> => {
      const file = lab!.random(`echo-${bytes}`, bytes), want = await sha256(file);
      const r = await lab!.sh(`nc -N ${STACK_IP} 7 < ${file} | sha256sum`, seconds);
      assert.equal(r.out.split(" ")[0], want, r.err);
    };

    check("ping with 0 to 1472 bytes", async (lab) => {
      for (const size of ["0", "1", "56", "555", "1471", "1472"])
        assert.equal(lab.run("ping", ["-c", "2", "-i", "0.1", "-W", "2", "-s", size, STACK_IP]).status, 0, size);
    });

    check("status page and its picture", async (lab) => {
      const text = await page();
      assert.match(text, /uptime +\d+ s/);
      assert.match(text, /10\. +9\. +0\. +1: *\d+ -> +80 ESTABLISHED/);
      assert.equal((await lab.sh(`curl -sS http://${STACK_IP}/logo.png | head -c 4`)).out.slice(1), "PNG");
      assert.equal((await lab.sh(`curl -sS -o /dev/null -w %{http_code} http://${STACK_IP}/none`)).out, "404");
    });

    const much = isC ? ECHO[name]! : ECHO[name]! / 10;
    check(`${much / MB} MB each way through echo`, () => echo(much, 120));

    checkC("1 % of the frames dropped, each way", async (lab) => {
      lab.run("nft", [
        "add table ip t; add chain ip t i { type filter hook input priority 0; }; add chain ip t o { type filter hook "
          + "output priority 0; }; "
          + "add rule ip t i numgen random mod 100 < 1 drop; add rule ip t o numgen random mod 100 < 1 drop",
      ]);
      await echo(200_000, 120);
      lab.run("nft", ["delete table ip t"]);
    });

    checkC("a network that goes away for three seconds in the middle of a transfer", async (lab) => {
      const cut = (async () => {
        // Not before there is a transfer: a program takes its time to start.
        await lab.sh(
          `until ss -Htn state established "dst ${STACK_IP} and dport = :7" | grep -q .; do sleep 0.02; done`, 30,
        );
        await sleep(100);
        lab.run("ip", ["link", "set", "tap0", "down"]);
        await sleep(3000);
        lab.run("ip", ["link", "set", "tap0", "up"]);
      })();
      await Promise.all([cut, echo(ECHO[name]!, 90)]);
    });

    checkC("32 connections opened and closed in turn, 100 times, and nothing is lost", async (lab) => {
      const before = await page();
      const script = `const net = require("net");
        (async () => { let good = 0;
          for (let i = 0; i < 3200; i++) good += await new Promise((done) => {
            const s = net.connect(7, "${STACK_IP}", () => s.end("x")); let got = "";
            s.on("data", (d) => (got += d)).on("close", () => done(got === "x" ? 1 : 0)).on("error", () => {});
          });
          console.log(good); })()`;
      const r = await lab.sh(`${process.execPath} -e '${script}'`, 120);
      assert.equal(r.out.trim(), "3200", r.err);
      const text = await page();
      for (const label of ["memory", "half-open records free"])
        assert.equal(field(text, label), field(before, label), label);
      assert.equal(field(text, "connections"), 1, "only the page's own");
    });

    checkC("10,000 SYNs, and a connection within a second of them", async (lab) => {
      await lab.sh(`hping3 -q -S -p 80 --rand-source -i u20 -c 10000 ${STACK_IP}`, 30);
      // What hping sent last still stands in the kernel's queue, which would drop the SYN of the connection that is to
      // come.
      await sleep(200);
      const began = Date.now();
      const spent = lab.sh(`curl -sS -o /dev/null -w %{time_total} --max-time 5 http://${STACK_IP}/`, 10);
      // curl counts from its own start, which a busy machine puts off.
      const seconds = Number((await spent).out);
      assert.ok(seconds > 0 && seconds < 0.8, `${seconds} s of ${Date.now() - began} ms`);
      const text = await page();
      assert.ok(field(text, "SyncookiesSent") > 0);
    });

    checkC("20 of 20 curls within 5 s each under 10,000 SYNs a second", async (lab) => {
      const hping = lab.start("hping3", ["-q", "-S", "-p", "80", "--rand-source", "-i", "u100", STACK_IP]);
      try {
        await sleep(500);
        for (let i = 0; i < 20; i++) await page();
      } finally {
        // What comes after is not to be tested under this flood.
        hping.kill("SIGINT");
      }
    });

    if (!isC) {
      check("3,000 SYNs, and a page after them", async (lab) => {
        await lab.sh(`hping3 -q -S -p 80 --rand-source -i u200 -c 3000 ${STACK_IP}`, 60);
        assert.ok(field(await page(60), "SyncookiesSent") > 0);
      });
    }

    if (name === "lm3s6965evb" && isC) {
      check("stays up under --flood and serves within 5 s of its end", async (lab) => {
        const hping = lab.start("hping3", ["-q", "-S", "-p", "80", "--rand-source", "--flood", STACK_IP]);
        await sleep(4000);
        hping.kill("SIGINT");
        await page(5);
      });
    }

    check(`${STACK_RESERVE} bytes of the C stack at least were never used, after all of this`, async () => {
      const left = field(await page(), "C stack");
      assert.ok(left >= STACK_RESERVE, `${left} bytes`);
      console.error(`${title}: ${left} bytes of the C stack were never used`);
    });

    checkC("40 connections that are reset with bytes unread, and one is served", async (lab) => {
      const script = `const net = require("net");
        (async () => { for (let i = 0; i < 40; i++) await new Promise((done) => {
            const s = net.connect(7, "${STACK_IP}", () => {
              s.pause();
              s.write(Buffer.alloc(60000));
              setTimeout(() => { s.resetAndDestroy(); done(); }, 100);
            });
            s.on("error", () => {});
          }); })()`;
      await lab.sh(`${process.execPath} -e '${script}'`, 60);
      await echo(1000, 20);
    });

    checkC("clients that take all places and vanish, and one that comes later is served", async (lab) => {
      const seats = Number(/connections +\d+ of (\d+)/.exec(await page())![1]);
      const clients = lab.start(process.execPath, ["-e", `const net = require("net"); let left = ${seats};
        for (let i = 0; i < ${seats}; i++) net.connect(7, "${STACK_IP}").on("error", () => {})
          .on("connect", function () { this.write("x"); }).on("data", () => --left || console.log("full"));`]);
      await said(clients, "full");
      // The cable: not a segment of theirs passes any more, and then they end.
      lab.run("nft", [
        "add table ip t; add chain ip t i { type filter hook input priority 0; }; add chain ip t o { type filter hook "
          + "output priority 0; }; add rule ip t i tcp sport 7 drop; add rule ip t o tcp dport 7 drop",
      ]);
      clients.kill("SIGKILL");
      // Half of the idle limit: it is not that which makes room.
      const text = await page(30);
      assert.match(text, new RegExp(`connections +${seats} of ${seats},`));
      lab.run("nft", ["delete table ip t"]);
    });

    check("frames longer than its buffers are dropped", async (lab) => {
      lab.run("ip", ["link", "set", "tap0", "mtu", "4000"]);
      lab.run("ping", ["-c", "3", "-i", "0.1", "-W", "0.2", "-M", "do", "-s", "1600", STACK_IP]);
      lab.run("ping", ["-c", "3", "-i", "0.1", "-W", "0.2", "-M", "do", "-s", "3900", STACK_IP]);
      lab.run("ip", ["link", "set", "tap0", "mtu", "1500"]);
      assert.equal(lab.run("ping", ["-c", "2", "-i", "0.1", "-W", "2", STACK_IP]).status, 0);
      await page();
    });

    checkC("an idle board costs about 1 % of a core", async () => {
      const pid = succeeded("pgrep", ["-P", String(running.child.pid), "-f", "qemu-system"]).trim();
      const ticks = (): number => {
        const f = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
        return Number(f[11]) + Number(f[12]);
      };
      await sleep(500);
      const before = ticks();
      await sleep(4000);
      assert.ok(ticks() - before <= 20, `${(ticks() - before) / 4} % of a core`);
    });

    const faulty = (path: string): Promise<unknown> =>
      lab!.sh(`curl -s -o /dev/null --max-time 1 http://${STACK_IP}${path}`, 5);

    check("an offset corrupted inside the module is a trap, and the stack starts afresh in "
        + "firmware that is untouched", async () => {
      await faulty("/debug/corrupt");
      await running.said("trap: the stack tried an access outside of its memory; restarting it");
      await running.said("ready", 2);
      const text = await page();
      assert.equal(field(text, "restarts"), 1);
      // The firmware's own clock went on.
      assert.ok(field(text, "uptime") > 1);
    });

    if (name === "mps2-an385" && isC) {
      check("the same image boots on an mps2-an386", async () => {
        const qemu = started("qemu-system-arm", [
          "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "stdio", "-semihosting-config",
          "enable=on,target=native", "-kernel", join(dir, "firmware.elf"),
        ]);
        await said(qemu, /^ready 10\.9\.0\.2\r?$/m).finally(() => qemu.kill());
      });
    }

    check("the C stack's guard catches an overflow, and the board is reset", async () => {
      await faulty("/debug/overflow");
      await running.said("fault: the C stack ran into its guard; resetting the board");
      await running.said("ready", 3);
      assert.equal(field(await page(), "restarts"), 0);
    });

    if (name === "lm3s6965evb" && isC) {
      check("a firmware that hangs in mid-connection is reset by its watchdog", async () => {
        await faulty("/debug/hang");
        await running.said("ready", 4, 20);
        await page();
      });
    }
  });
} });

describe("firmware that is refused", () => {
  const needs = TOOLS["lm3s6965evb"]!;

  it("more memory than there is: with the bytes that are missing", (t) => {
    if (lacks(t, ...needs)) return;
    const { status, err } = board("lm3s6965evb", ...TOO_MUCH);
    assert.equal(status, 2);
    assert.match(err, /^board: lm3s6965evb has 65536 bytes of RAM, this needs \d+ more; .*\n$/);
  });

  it("a board, an option or a combination that is not there", async (t) => {
    if (lacks(t, ...needs)) return;
    // Side by side: each has to read the compilers first.
    await Promise.all([
      ["nothing"], ["posix", "--services", "gopher"], ["posix", "--release", "--debug"], ["posix", "--seed", "1"],
      ["posix", "--ip", "10.0.0.1"], ["posix", "--gateway", "10.0.0.1"], ["posix", "--name", "x_y"],
      ["posix", "--ip", "10.0.0.2/24", "--name", "x"], ["posix", "--mac", "2:3"], ["posix", "--app", "x.wasm"],
      ["posix", "--ipv6", "--ip", "10.0.0.2/24", "--app", "x.wasm"], ["w5500-evb-pico", "--ipv6"],
      ["posix", "--layout", "built", "--ip", "10.0.0.2/24", "--app", "x.wasm"],
      ["posix", "--bench", "--ip", "10.0.0.2/24", "--app", "x.wasm"],
    ].map(async (args) => {
      const child = started(process.execPath, ["--import", "tsx", "tools/board.ts", ...args]);
      let err = "";
      child.stderr.on("data", (d: Buffer) => (err += d));
      const [status] = await once(child, "close") as [number | null];
      assert.deepEqual([status, err.trim().split("\n").length], [2, 1], `${args.join(" ")}: ${err}`);
    }));
  });

  it("no source of entropy: the firmware says so and does not start", async (t) => {
    if (lacks(t, ...needs)) return;
    const dir = mkdtempSync(join(tmpdir(), "stint-firmware-"));
    assert.equal(board("lm3s6965evb", "--out", dir).status, 0);
    // Without a debugger or emulator that offers the host's generator.
    const qemu = started("qemu-system-arm", [
      "-M", "lm3s6965evb", "-nographic", "-monitor", "none", "-serial", "stdio", "-kernel", join(dir, "firmware.elf"),
    ]);
    const out = await said(qemu, "stint: this board has no entropy, and does not start without").finally(() => {
      qemu.kill();
      rmSync(dir, { recursive: true, force: true });
    });
    assert.doesNotMatch(out, /ready/);
  });
});

describe("posix, the reference port", () => {
  it("runs under the sanitizers, and ends when its network does", async (t) => {
    if (lacks(t, "gcc", "socat")) return;
    const dir = mkdtempSync(join(tmpdir(), "stint-firmware-")), path = join(dir, "link");
    const built = board(
      "posix", "--sanitize", "--debug", "--seed", "7", "--ip", "10.0.0.2/24", "--out", dir, "--json",
    );
    assert.equal(built.status, 0, built.err);
    const sockets: Socket[] = [];
    const server = createServer((s) => sockets.push(s)).listen(path);
    const child = started(join(dir, "firmware.elf"), [], { env: environment({ STINT_STREAM: path }) });
    let out = "";
    for (const s of [child.stdout, child.stderr]) s.on("data", (d: Buffer) => (out += d));
    await said(child, "ready");
    assert.match(out, /DEBUG: the entropy is the fixed seed 7; anybody can predict this stack\nready 10\.0\.0\.2/);
    // Neither an empty frame ends it nor the longest one: who asks for its address behind them gets an answer.
    const deframer = new Deframer(), mac = [2, 0, 10, 0, 0, 1], frames: Uint8Array[] = [];
    sockets[0]!.on("data", (d: Buffer) => deframer.push(d, (f) => void frames.push(Uint8Array.from(f))));
    const question = arp(1, { mac, ip: ip4("10.0.0.1") }, { mac: [0, 0, 0, 0, 0, 0], ip: ip4("10.0.0.2") }, BROADCAST);
    for (const f of [new Uint8Array(), new Uint8Array(65536 + 14), question]) sockets[0]!.write(enframe(f));
    await until("an answer", () => frames.some((f) => see(f).op === 2) || child.exitCode !== null);
    assert.equal(child.exitCode, null, out);
    sockets[0]!.end();
    const [status] = await once(child, "exit") as [number];
    server.close();
    rmSync(dir, { recursive: true, force: true });
    assert.equal(status, 3);
    assert.match(out, /stint: the link has closed/);
    assert.doesNotMatch(out, /Sanitizer|runtime error/);
  });
});
