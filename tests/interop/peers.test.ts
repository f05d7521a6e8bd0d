/**
 * Servers of networks that nobody here wrote, beside dnsmasq: avahi for names of the link, chrony for the time, udhcpd
 * for addresses, radvd as a router. `npm run setup` unpacks them.
 */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { ran, said, succeeded, until } from "../harness/programs.js";
import { complaints, Lab, lacks, PEER_IP, STACK_IP, STINT } from "./lab.js";
import { unpacked } from "./servers.js";

const NEEDS = ["root", "tap", "ip"];
const KERNEL6 = "fd00:9::1", STACK6 = "fd00:9::2";

/** Starts a server in the lab, with the libraries that were unpacked beside it. */
function serve(lab: Lab, name: string, ...args: string[]): ChildProcess {
  const { program, env } = unpacked(name);
  return lab.start("env", [...Object.entries(env).map(([key, value]) => `${key}=${value}`), program, ...args]);
}

function config(lab: Lab, name: string, ...lines: string[]): string {
  writeFileSync(lab.file(name), `${lines.join("\n")}\n`);
  return lab.file(name);
}

/** What avahi publishes. */
interface Service { name: string; type: string; port: number; text: string }

/**
 * avahi, without D-Bus. It wants a user of its own and a place in /run: both are there for it alone, in the mounts of
 * its namespace. Whoever asks it does so by its socket.
 */
async function avahi(lab: Lab, host: string, ...services: Service[]): Promise<(question: string) => Promise<string>> {
  const { program, env } = unpacked("avahi-daemon"), run = lab.file("run"), libraries = env["LD_LIBRARY_PATH"] ?? "";
  mkdirSync(run);
  const conf = config(lab, "avahi", "[server]", `host-name=${host}`, "allow-interfaces=tap0", "enable-dbus=no",
    "[publish]", "publish-addresses=yes");
  for (const { name, type, port, text } of services) {
    mkdirSync(`${run}/etc/avahi/services`, { recursive: true });
    writeFileSync(`${run}/etc/avahi/services/${type}.service`, `<?xml version="1.0"?><service-group><name>${name}</name>
      <service><type>${type}</type><port>${port}</port><txt-record>${text}</txt-record></service></service-group>`);
  }
  const script = config(lab, "avahi.sh", "set -e",
    // Its services are in /etc/avahi, which need not be there.
    services.length > 0 ? `cp -a -n /etc ${run}/; mount --bind ${run}/etc /etc` : "true",
    `{ cat /etc/passwd; echo 'avahi:x:5:60::/:/bin/false'; } > ${run}/passwd`,
    `{ cat /etc/group; echo 'avahi:x:60:'; } > ${run}/group`,
    `for f in passwd group; do mount --bind ${run}/$f /etc/$f; done; mount --bind ${run} /run`,
    `LD_LIBRARY_PATH=${libraries} exec ${program} --no-drop-root --no-chroot --no-rlimits -f ${conf}`);
  await said(lab.start("bash", [script]), "Server startup complete");
  return (question) => new Promise((answered, failed) => {
    let text = "";
    const socket = connect(`${run}/avahi-daemon/socket`, () => socket.write(`${question}\n`));
    socket.on("data", (data) => (text += data)).on("error", failed).on("close", () => answered(text));
  });
}

describe("names of the link, with avahi", () => {
  it("avahi finds the stack by its name, the stack finds avahi's host, and a name that avahi has is left to it",
    async (t) => {
      if (lacks(t, ...NEEDS, "avahi-daemon", "nc")) return;
      const lab = new Lab();
      try {
        succeeded("ip", ["-n", lab.name, "addr", "add", `${KERNEL6}/64`, "dev", "tap0", "nodad"]);
        const ask = await avahi(lab, "printer");
        const own = ["--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--ip6", `${STACK6}/64`, "--echo", "7"];
        const up = await lab.up([...own, "--name", "lamp"]);
        await until("the name is settled", () => /^name lamp\.local$/m.test(up.err), 60_000);
        const own6 = /^address (\S+:\S*)$/gm;
        await until("all addresses are ours", () => up.err.match(own6)?.length === 2, 60_000);
        const all6 = [...up.err.matchAll(own6)].map(([, address]) => address!);
        assert.ok(all6.includes(STACK6));
        for (const [family, addresses] of [["IPV4", [STACK_IP]], ["IPV6", all6]] as const) {
          let answer = "";
          await until(`avahi knows lamp.local: ${family}`, async () => {
            answer = await ask(`RESOLVE-HOSTNAME-${family} lamp.local`);
            return answer.startsWith("+");
          }, 60_000);
          // Avahi tells one of them.
          assert.ok(addresses.some((address) => answer.endsWith(` lamp.local ${address}\n`)), answer);
        }
        assert.equal(await up.stop(), 0, up.err);
        const served = lab.sh("echo welcome | nc -q 1 -l -p 98", 60);
        await lab.listens(98);
        const found = await lab.sh(
          `${STINT.join(" ")} connect printer.local 98 --link tap:tap0 --ip ${STACK_IP}/24 --no-ipv6 < /dev/null`, 60,
        );
        assert.equal(found.out, "welcome\n", found.err);
        await served;
        const second = await lab.up([...own, "--name", "printer"]);
        await until("another name is settled", () => /^name printer-2\.local$/m.test(second.err), 60_000);
        assert.equal(await second.stop(), 0, second.err);
        assert.match(await ask("RESOLVE-HOSTNAME-IPV4 printer.local"), new RegExp(` printer\\.local ${PEER_IP}\n`));
      } finally {
        lab.close();
      }
    });
});

/** A stack that publishes a service, and looks for others'. */
const PUBLISHES = `
import { openTap, Stack } from ${JSON.stringify(resolve("build/index.js"))};
const stack = await Stack.open({ link: await openTap("tap0"), ip: "${STACK_IP}/24", localName: "lamp" });
const text = { path: "/", dim: true };
const service = await stack.publish({ name: "Lamp in the hall", type: "_http._tcp", port: 80, text });
console.log("published", service.name);
const found = (type) => new Promise((resolve) => stack.browse(type).once("up", resolve));
const all = await Promise.all([found("_ipp._tcp"), found("_http._tcp")]);
console.log(JSON.stringify([...all, service.name, await stack.lookup(all[0].host)]));
await stack.close();
`;

describe("services of the link, with avahi", () => {
  it("the stack finds what avahi publishes; avahi leaves a name to the stack that has it", async (t) => {
    if (lacks(t, ...NEEDS, "avahi-daemon")) return;
    const lab = new Lab();
    try {
      const program = lab.start(process.execPath, [config(lab, "services.mjs", PUBLISHES)]);
      await said(program, "published Lamp in the hall");
      let out = "";
      program.stdout!.on("data", (data: Buffer) => (out += String(data)));
      const hall = { name: "Lamp in the hall", type: "_http._tcp", port: 81, text: "path=/other" };
      await avahi(lab, "printer", hall, { name: "Ink &amp; more.", type: "_ipp._tcp", port: 631, text: "rp=queue" });
      await until("it has found both", () => out.includes("]\n"), 60_000);
      const [ink, other, name, addresses] = JSON.parse(out.trim()) as unknown[];
      assert.deepEqual(ink,
        { name: "Ink & more.", type: "_ipp._tcp", host: "printer.local", port: 631, text: { rp: "queue" } });
      assert.deepEqual(other,
        { name: "Lamp in the hall #2", type: "_http._tcp", host: "printer.local", port: 81, text: { path: "/other" } });
      assert.deepEqual([name, addresses], ["Lamp in the hall", [PEER_IP]]);
    } finally {
      lab.close();
    }
  });
});

/** What the program in the namespace says: the time of the stack, and of the machine before and after, ms; and µs. */
interface Told { time: number; before: number; after: number; delay: number; stratum: number; ip: string }

/** A stack that has its address and its time servers from the network, and says what time it is. */
const ASKS = `
import { openTap, Stack } from ${JSON.stringify(resolve("build/index.js"))};
const stack = await Stack.open({ link: await openTap("tap0"), timeoutMs: 60_000 });
stack.setTimeServers([]);
await new Promise((resolve) => stack.once("time", resolve));
const before = Date.now(), time = stack.time.getTime(), after = Date.now();
const { delay, stratum } = stack.module.time();
console.log(JSON.stringify({ time, before, after, delay: Number(delay), stratum, ip: stack.address }));
await stack.close(0);
`;

describe("addresses from udhcpd, the time from chrony", () => {
  it("a lease names the time server; its time is the machine's, but for half of the way there and back", async (t) => {
    if (lacks(t, ...NEEDS, "udhcpd", "chronyd")) return;
    const lab = new Lab();
    try {
      const time = serve(lab, "chronyd", "-x", "-d", "-u", "root", "-f", config(lab, "chrony", "local stratum 3",
        "allow all", `bindaddress ${PEER_IP}`, "cmdport 0", `pidfile ${lab.file("chrony.pid")}`));
      await said(time, "Disabled control of system clock");
      await lab.sh("until ss -Hlun sport = :123 | grep -q .; do sleep 0.02; done");
      const leases = serve(lab, "udhcpd", "-f", config(lab, "udhcpd", "start 10.9.0.70", "end 10.9.0.79",
        "interface tap0", `lease_file ${config(lab, "leases")}`, `pidfile ${lab.file("udhcpd.pid")}`,
        "option subnet 255.255.255.0", `option ntpsrv ${PEER_IP}`, "option lease 600"));
      await said(leases, "started");
      const child = lab.start(process.execPath, ["--input-type=module", "-e", ASKS]);
      const words = await said(child, /\}\n/, 120_000), told = JSON.parse(/\{.*\}/.exec(words)![0]) as Told;
      assert.match(told.ip, /^10\.9\.0\.7\d$/);
      assert.equal(told.stratum, 3);
      // The clocks of both tell whole ms.
      const wrongMs = told.delay / 2000 + 1;
      assert.ok(told.time >= told.before - wrongMs && told.time <= told.after + wrongMs, words);
      await until("the program has ended", () => child.exitCode !== null, 60_000);
      assert.equal(child.exitCode, 0);
    } finally {
      lab.close();
    }
  });
});

describe("a router, radvd", () => {
  it("tells a prefix and a DNS server: the stack has an address of it, and is reached there", async (t) => {
    if (lacks(t, ...NEEDS, "radvd", "ping", "dnsmasq", "nc")) return;
    const lab = new Lab();
    try {
      lab.run("sysctl", ["-qw", "net.ipv6.conf.all.forwarding=1"]);
      succeeded("ip", ["-n", lab.name, "addr", "add", `${KERNEL6}/64`, "dev", "tap0", "nodad"]);
      const names = lab.start("dnsmasq", ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        "--user=root", "--pid-file=", "--log-facility=-", "--address=/six.test/fd00:9::1"]);
      await said(names, "started");
      serve(lab, "radvd", "-n", "-m", "stderr", "-p", lab.file("radvd.pid"), "-C", config(lab, "radvd",
        "interface tap0 {", "AdvSendAdvert on;", "prefix fd00:9::/64 { AdvOnLink on; AdvAutonomous on; };",
        `RDNSS ${KERNEL6} { };`, "};"));
      const up = await lab.up(["--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--echo", "7"]);
      let address = "";
      await until("an address of the prefix", () => {
        address = /^address (fd00:9:\S+)$/m.exec(up.err)?.[1] ?? "";
        return address !== "";
      }, 60_000);
      const ping = await lab.sh(`ping -6 -c 1 -W 20 ${address}`);
      assert.equal(ping.status, 0, ping.out + ping.err);
      assert.equal(await up.stop(), 0, up.err);
      const served = lab.sh("echo welcome | nc -6 -q 1 -l -p 98", 60);
      await lab.listens(98);
      const found = await lab.sh(
        `${STINT.join(" ")} connect six.test 98 --link tap:tap0 --ip ${STACK_IP}/24 < /dev/null`, 60,
      );
      assert.equal(found.out, "welcome\n", found.err);
      await served;
    } finally {
      lab.close();
    }
  });

  it("--temporary, in Node and under wasmtime: one address more, another one each time", async (t) => {
    if (lacks(t, ...NEEDS, "radvd", "ping", "nc", "tshark", "wasmtime")) return;
    const lab = new Lab(), pcap = lab.file("temporary.pcapng");
    try {
      lab.run("sysctl", ["-qw", "net.ipv6.conf.all.forwarding=1"]);
      succeeded("ip", ["-n", lab.name, "addr", "add", `${KERNEL6}/64`, "dev", "tap0", "nodad"]);
      serve(lab, "radvd", "-n", "-m", "stderr", "-p", lab.file("radvd.pid"), "-C", config(lab, "radvd",
        "interface tap0 {", "AdvSendAdvert on;", "prefix fd00:9::/64 { AdvOnLink on; AdvAutonomous on; };", "};"));
      const options = ["--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--echo", "7"];
      /** The addresses of the prefix, each of which answers, and serves. */
      const started = async (count: number, ...more: string[]): Promise<string[]> => {
        const up = await lab.up([...options, ...more]);
        let all: string[] = [];
        await until(`${count} addresses of the prefix`, () => {
          all = [...up.err.matchAll(/^address (fd00:9:\S+)$/gm)].map((found) => found[1]!);
          return all.length === count;
        }, 60_000);
        for (const address of all) {
          assert.equal((await lab.sh(`ping -6 -c 1 -W 20 ${address}`, 30)).status, 0, address);
          assert.equal((await lab.sh(`echo hello | nc -6 -q 1 -w 20 ${address} 7`, 30)).out, "hello\n", address);
        }
        assert.equal(await up.stop(), 0, up.err);
        return all;
      };
      const [whole] = await started(1), seen = new Set([whole]);
      for (const runtime of ["node", "wasmtime"]) {
        const all = await started(2, "--temporary", "--runtime", runtime);
        assert.ok(all.includes(whole!), `the one that stays is the same: ${all.join(" ")}`);
        for (const address of all) seen.add(address);
      }
      assert.equal(seen.size, 3, "another temporary one each time");
      const served = lab.sh("echo welcome | nc -6 -q 1 -l -p 98", 60);
      await lab.listens(98);
      const found = await lab.sh(`${STINT.join(" ")} connect ${KERNEL6} 98 --link tap:tap0 --ip ${STACK_IP}/24 `
        + `--temporary --pcap ${pcap} < /dev/null`, 60);
      assert.equal(found.out, "welcome\n", found.err);
      await served;
      const syn = "tcp.flags.syn == 1 && tcp.flags.ack == 0";
      const [source = ""] = ran("tshark", ["-r", pcap, "-Y", syn, "-T", "fields", "-e", "ipv6.src"]).stdout.split("\n");
      assert.match(source, /^fd00:9:/);
      assert.ok(!seen.has(source), "the first connection is from a temporary address, too");
      assert.deepEqual(complaints(pcap), []);
    } finally {
      lab.close();
    }
  });

  it("says that a server knows more (O): it is asked for a DNS server, by DHCPv6", async (t) => {
    if (lacks(t, ...NEEDS, "radvd", "dnsmasq", "nc", "tshark")) return;
    const lab = new Lab(), pcap = lab.file("inform.pcapng");
    try {
      lab.run("sysctl", ["-qw", "net.ipv6.conf.all.forwarding=1"]);
      succeeded("ip", ["-n", lab.name, "addr", "add", `${KERNEL6}/64`, "dev", "tap0", "nodad"]);
      const names = lab.start("dnsmasq", ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        "--user=root", "--pid-file=", "--log-facility=-", "--address=/six.test/fd00:9::1", "--interface=tap0",
        "--bind-dynamic", "--log-dhcp", "--dhcp-range=fd00:9::,static,64", `--dhcp-leasefile=${lab.file("leases")}`]);
      await said(names, "DHCPv6");
      serve(lab, "radvd", "-n", "-m", "stderr", "-p", lab.file("radvd.pid"), "-C", config(lab, "radvd",
        "interface tap0 {", "AdvSendAdvert on;", "AdvOtherConfigFlag on;",
        "prefix fd00:9::/64 { AdvOnLink on; AdvAutonomous on; };", "};"));
      const up = await lab.up(["--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--echo", "7", "--pcap", pcap]);
      await said(names, /sent size: +16 option: +23 dns-server +fd00:9::1/, 60_000);
      assert.equal(await up.stop(), 0, up.err);
      assert.match(ran("tshark", ["-r", pcap, "-Y", "dhcpv6"]).stdout, /Information-request/);
      assert.deepEqual(complaints(pcap), []);
    } finally {
      lab.close();
    }
  });
});
