/** IPv6 with the Linux kernel over TAP: addresses, neighbours, routers, and both services and clients. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { ran, said, succeeded } from "../harness/programs.js";
import { complaints, Lab, lacks, listening, PEER_IP, sha256, STACK_IP, STINT, type Up } from "./lab.js";

const KERNEL = "fd00:9::1", STACK = "fd00:9::2", FAR_ROUTER = "fd00:8::1", FAR = "fd00:8::2";
const NEEDS = ["root", "tap", "ip"];
/** Errors of tshark's expert, beyond what `complaints` finds. */
const errors = (pcap: string): string[] =>
  ran("tshark", ["-r", pcap, "-Y", "_ws.expert.severity >= error", "-T", "fields", "-e", "_ws.col.Info"])
    .stdout.split("\n").filter(Boolean);

/** A namespace whose kernel has an IPv6 address on the TAP device, and can be a router. */
function lab6(): Lab {
  const lab = new Lab();
  lab.run("sysctl", ["-qw", "net.ipv6.conf.all.forwarding=1"]);
  succeeded("ip", ["-n", lab.name, "addr", "add", `${KERNEL}/64`, "dev", "tap0", "nodad"]);
  return lab;
}

/** Another namespace behind the kernel of the first, on a link that takes 1280 bytes at a time. */
function behind(lab: Lab): { name: string; close(): void } {
  const name = `${lab.name}f`, ip = (...args: string[]): void => void succeeded("ip", args);
  ip("netns", "add", name);
  ip("-n", lab.name, "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", name);
  ip("-n", lab.name, "addr", "add", `${FAR_ROUTER}/64`, "dev", "v0", "nodad");
  ip("-n", lab.name, "link", "set", "v0", "up", "mtu", "1280");
  ip("-n", name, "addr", "add", `${FAR}/64`, "dev", "v1", "nodad");
  ip("-n", name, "link", "set", "v1", "up");
  ip("-n", name, "route", "add", "default", "via", FAR_ROUTER);
  return { name, close: () => void ran("ip", ["netns", "del", name]) };
}

/** The text that a running stack says, once it matches. */
async function says(up: Up, what: RegExp): Promise<string> {
  for (let i = 0; i < 500; i++) {
    const found = what.exec(up.err);
    if (found) return found[1] ?? found[0];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`it does not say ${what.source}: ${up.err}`);
}

describe("IPv6 with the kernel", { concurrency: 3 }, () => {
  for (const runtime of ["node", "wasmtime"]) it(`${runtime}: pings, pages, a path with a smaller MTU`, async (t) => {
    if (lacks(t, ...NEEDS, "ping", "curl", "nc", "tshark", runtime)) return;
    const lab = lab6(), far = behind(lab), pcap = lab.file("up.pcapng");
    try {
      const sum = await sha256(lab.random("big", 2_000_000));
      const up = await lab.up([
        "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--ip6", `${STACK}/64`, "--gateway6", KERNEL, "--http", "80",
        "--root", lab.dir, "--echo", "7", "--pcap", pcap, "--stats", "--runtime", runtime,
        "--ip6", "fd00:9:0:0:1:0:0:ab0/128",
      ]);
      await says(up, /^address fd00:9::1:0:0:ab0$/m);
      const local = await says(up, /^address (fe80::.*)$/m);
      await says(up, /^address fd00:9::2$/m);
      const ping = (to: string, size: number): number | null =>
        lab.run("ping", ["-6", "-c", "2", "-i", "0.1", "-W", "2", "-s", String(size), to]).status;
      assert.equal(ping(`${local}%tap0`, 3000), 0, "its link-local address answers, in fragments");
      for (const size of [0, 1452, 4000]) assert.equal(ping(STACK, size), 0, `ping with ${size} bytes`);
      const page = (ns: string): string => {
        const args = ["netns", "exec", ns, "bash", "-c", `curl -6 -sS --max-time 20 http://[${STACK}]/big | sha256sum`];
        return ran("ip", args, { timeout: 30_000 }).stdout.split(" ")[0]!;
      };
      assert.equal(page(lab.name), sum, "a page on the link");
      assert.equal(page(far.name), sum, "a page through a router that says Packet Too Big");
      const four = await lab.sh(`curl -4 -sS --max-time 20 http://${STACK_IP}/big | sha256sum`);
      assert.equal(four.out.split(" ")[0], sum, "the same service over IPv4");
      const echo = await lab.sh(`nc -6 -N ${STACK} 7 < ${lab.file("big")} | sha256sum`);
      assert.equal(echo.out.split(" ")[0], sum, echo.err);
      assert.equal((await lab.sh(`curl -6 -sS --max-time 5 http://[${STACK}]:81/`)).status, 7, "refused at once");
      assert.equal(await up.stop(), 0, up.err);
      assert.ok(up.counter("TCPPathMtu") > 0, "the path's MTU was learned");
      // What the kernel quotes is cut, so that its sums are not looked at.
      assert.deepEqual(complaints(pcap).filter((line) => !line.includes("Packet Too Big")), []);
      assert.deepEqual(errors(pcap), []);
    } finally {
      lab.close();
      far.close();
    }
  });

  it("stint connect: to a server, to nobody, to a link-local address, with half-close", async (t) => {
    if (lacks(t, ...NEEDS, "socat")) return;
    const lab = lab6();
    try {
      lab.random("file", 300_000);
      const sum = await sha256(lab.file("file")), connect = `${STINT.join(" ")} connect --link tap:tap0`;
      const serve = (port: number, what: string): string =>
        `socat TCP6-LISTEN:${port},reuseaddr ${what} & ${listening(port)}; `;
      const own = `--ip6 ${STACK}/64`, file = lab.file("file");
      const half = await lab.sh(`${serve(4001, "SYSTEM:sha256sum")} ${connect} ${own} [${KERNEL}] 4001 < ${file}`);
      assert.equal(half.out.split(" ")[0], sum, half.err);
      const shown = lab.run("ip", ["-6", "-o", "addr", "show", "dev", "tap0", "scope", "link"]).out;
      const link = /(fe80::[0-9a-f:]+)/.exec(shown)![1]!;
      const count = serve(4002, "SYSTEM:'wc -c'");
      const local = await lab.sh(`${count} head -c 77 ${file} | ${connect} ${link}%tap0 4002`);
      assert.equal(local.out.trim(), "77", local.err);
      const nobody = await lab.sh(`${connect} --ip6 ${STACK}/64 ${KERNEL} 4003 </dev/null`);
      assert.equal(nobody.status, 1);
      assert.equal(nobody.err.trim(), `stint connect: ${KERNEL} port 4003: connection refused`);
    } finally {
      lab.close();
    }
  });

  it("stint connect by name: a router tells of the server, over both families and of one alone", async (t) => {
    if (lacks(t, ...NEEDS, "dnsmasq", "nc", "tshark")) return;
    const lab = lab6(), pcap = lab.file("names.pcapng");
    try {
      lab.start("dnsmasq", [
        "--keep-in-foreground", "--conf-file=/dev/null", "--port=53", "--interface=tap0", "--bind-dynamic",
        "--enable-ra", "--user=root", "--group=root", "--dhcp-range=::,constructor:tap0,ra-only", "--no-resolv",
        "--no-hosts", `--address=/both.test/${KERNEL}`, `--address=/both.test/${PEER_IP}`,
        `--address=/six.test/${KERNEL}`, `--address=/astray.test/fd00:9::77`, `--address=/astray.test/${PEER_IP}`,
        `--pid-file=${lab.file("pid")}`, `--dhcp-leasefile=${lab.file("leases")}`,
      ]);
      const connect = `${STINT.join(" ")} connect`, options = `--link tap:tap0 --ip ${STACK_IP}/24`;
      for (const [name, family] of [["both.test", "-6"], ["six.test", "-6"], ["astray.test", "-4"]] as const) {
        const served = lab.sh(`echo welcome | nc ${family} -q 1 -l -p 98`, 30);
        await lab.listens(98);
        const more = name === "both.test" ? `--pcap ${pcap}` : "";
        const r = await lab.sh(`${connect} ${name} 98 ${options} ${more} < /dev/null`, 30);
        assert.equal(r.out, "welcome\n", `${name}: ${r.err}`);
        await served;
      }
      const nobody = await lab.sh(`${connect} none.six.example 98 ${options} < /dev/null`, 30);
      assert.equal(nobody.status, 1);
      assert.match(nobody.err, /none\.six\.example/);
      assert.deepEqual([complaints(pcap), errors(pcap)], [[], []]);
    } finally {
      lab.close();
    }
  });

  it("without an option: addresses of DHCP and of a router, names of both families; --no-ipv6 is silent", async (t) => {
    if (lacks(t, ...NEEDS, "dnsmasq", "nc", "tshark")) return;
    const lab = lab6(), pcap = lab.file("four.pcapng");
    try {
      const server = lab.start("dnsmasq", [
        "--keep-in-foreground", "--conf-file=/dev/null", "--port=53", "--interface=tap0", "--bind-dynamic",
        "--enable-ra", "--user=root", "--group=root", "--dhcp-range=::,constructor:tap0,ra-only", "--no-resolv",
        "--no-hosts", "--no-ping", "--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,2m", "--log-facility=-",
        `--address=/six.test/${KERNEL}`, `--address=/four.test/${PEER_IP}`, `--pid-file=${lab.file("pid")}`,
        `--dhcp-leasefile=${lab.file("leases")}`,
      ]);
      await said(server, "DHCP, IP range");
      const up = await lab.up(["--link", "tap:tap0", "--echo", "7"]);
      const [six, four] = [await says(up, /^address (fd00:9:.*)$/m), await says(up, /^address (10\.9\.0\.\d+)$/m)];
      for (const own of [six, four])
        assert.equal((await lab.sh(`echo hello | nc -q 1 -w 5 ${own} 7`)).out, "hello\n", `${own}: ${up.err}`);
      assert.match(up.out, /^ready (10\.9\.0\.\d+|fd00:9:\S+) echo:7 \(node\)$/m);
      assert.equal(await up.stop(), 0, up.err);
      const connect = `${STINT.join(" ")} connect`, options = "--link tap:tap0";
      for (const [name, family] of [["six.test", "-6"], ["four.test", "-4"]] as const) {
        const served = lab.sh(`echo welcome | nc ${family} -q 1 -l -p 98`, 30);
        await lab.listens(98);
        const r = await lab.sh(`${connect} ${name} 98 ${options} < /dev/null`, 30);
        assert.equal(r.out, "welcome\n", `${name}: ${r.err}`);
        await served;
      }
      const mac = "02:00:00:00:00:07", own = ["--link", "tap:tap0", "--mac", mac, "--pcap", pcap];
      const without = await lab.up([...own, "--echo", "7", "--no-ipv6"]);
      assert.equal(await without.stop(), 0, without.err);
      const sent = ran("tshark", ["-r", pcap, "-Y", `eth.src == ${mac}`, "-T", "fields", "-e", "eth.type"]).stdout;
      assert.deepEqual([...new Set(sent.trim().split("\n"))].sort(), ["0x0800", "0x0806"]);
      assert.doesNotMatch(without.err, /fe80:/);
    } finally {
      lab.close();
    }
  });

  it("an address that the kernel has is given up", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const lab = lab6();
    try {
      const up = await lab.up([
        "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--ip6", `${KERNEL}/64`, "--ip6", `${STACK}/64`,
      ]);
      await says(up, /^address fd00:9::2$/m);
      assert.doesNotMatch(up.err, /address fd00:9::1$/m, "duplicate address detection has failed for it");
      assert.equal(await up.stop(), 0, up.err);
    } finally {
      lab.close();
    }
  });

  for (const runtime of ["node", "wasmtime"]) it(`${runtime}: there is a way while a router says so`, async (t) => {
    if (lacks(t, ...NEEDS, "ping", "dnsmasq", "curl", runtime)) return;
    const lab = lab6(), far = behind(lab);
    try {
      const router = (lifetime: number): ReturnType<Lab["start"]> => lab.start("dnsmasq", [
        "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--enable-ra", "--user=root", "--group=root",
        "--dhcp-range=::,constructor:tap0,ra-only", `--ra-param=tap0,4,${lifetime}`, `--pid-file=${lab.file("pid")}`,
        `--dhcp-leasefile=${lab.file("leases")}`,
      ]);
      writeFileSync(lab.file("page"), "beyond\n");
      const first = router(1800);
      const up = await lab.up([
        "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--http", "80", "--root", lab.dir, "--runtime", runtime,
      ]);
      const own = await says(up, /^address (fd00:9::?[0-9a-f:]+)$/m);
      const beyond = (): string =>
        ran("ip", ["netns", "exec", far.name, "curl", "-6", "-sS", "--max-time", "2", `http://[${own}]/page`]).stdout;
      assert.equal(beyond(), "beyond\n", "there is a way back");
      first.kill();
      await once(first, "close");
      router(0);
      let last = "beyond\n";
      for (let i = 0; i < 40 && last !== ""; i++) {
        await new Promise((resolve) => setTimeout(resolve, 250));
        last = beyond();
      }
      assert.equal(last, "", "a router with lifetime 0 is none (RFC 4861 §6.3.4)");
      const near = await lab.sh(`curl -6 -sS --max-time 5 http://[${own}]/page`);
      assert.equal(near.out, "beyond\n", "on the link it goes on");
      assert.equal(await up.stop(), 0, up.err);
    } finally {
      lab.close();
      far.close();
    }
  });
});

describe("IPv6 of a board", () => {
  it("lm3s6965evb has addresses of both families from dnsmasq, serves on all, and again after a trap", async (t) => {
    if (lacks(t, ...NEEDS, "dnsmasq", "curl", "nc", "arm-none-eabi-gcc", "qemu-system-arm")) return;
    const lab = lab6();
    try {
      const router = lab.start("dnsmasq", [
        "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--enable-ra", "--user=root", "--group=root",
        "--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,2m", "--dhcp-range=::,constructor:tap0,ra-only", "--no-ping",
        "--dhcp-authoritative", "--pid-file=", `--dhcp-leasefile=${lab.file("leases")}`, "--log-facility=-",
      ]);
      await said(router, "DHCP, IP range");
      const board = lab.start(process.execPath, [
        "--import", "tsx", "tools/board.ts", "lm3s6965evb", "--debug", "--ipv6", "--out", lab.file("firmware"),
        "--run", "--link", "tap:tap0",
      ]);
      // Three lines, in whichever order the network answers: a lease, the link-local address, the router's prefix.
      const all = /^(?=[^]*ready 10\S+\n)(?=[^]*ready6 fe80:\S+\n)(?=[^]*ready6 fd00:9:\S+\n)/;
      const words = await said(board, all, 240_000);
      const [ip, local, global] = [/ready (10\S+)/, /ready6 (fe80:\S+)/, /ready6 (fd00:\S+)/].map(
        (what) => what.exec(words)![1]!,
      );
      for (const [host, peer] of [
        [ip, / 10\.  9\.  0\.  1 +:/], [`[${local}%25tap0]`, /^fe80:[\da-f:]{34}:/m], [`[${global}]`, /^fd00:/m],
      ] as const) {
        const page = await lab.sh(`curl -sS --max-time 20 'http://${host}/'`, 25);
        assert.match(page.out, /address +10\.9\.0\.\d+\nIPv6 +fd00:0009:[\da-f:]+ \nuptime/, page.err);
        // Who asks is there, by an address in full for either family.
        assert.match(page.out, peer);
        // As much of the C stack is left as a board with a fixed address has to leave (tests/interop/boards).
        assert.ok(Number(/C stack +(\d+)/.exec(page.out)?.[1]) >= 128, page.out);
      }
      const again = said(board, /restarting it[^]*ready6 fd00:9:\S+\n/, 60_000);
      await lab.sh(`curl -sS --max-time 5 'http://[${global}]/debug/corrupt'`, 10);
      const next = /ready6 (fd00:9:\S+)/.exec((await again).split("restarting it")[1]!)![1];
      assert.equal((await lab.sh(`echo hello | nc -6 -q 1 -w 20 ${next} 7`)).out, "hello\n");
    } finally {
      lab.close();
    }
  });
});
