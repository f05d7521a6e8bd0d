/** DHCPv6 with dnsmasq: an address that is asked for, served on and given back. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { ran, said, succeeded, until } from "../harness/programs.js";
import { complaints, Lab, lacks, STACK_IP } from "./lab.js";

const KERNEL = "fd00:9::1", NEEDS = ["root", "tap", "ip", "dnsmasq", "nc", "tshark"];
const SOLICIT = "1", ADVERTISE = "2", REQUEST = "3", REPLY = "7", RELEASE = "8";

/** A namespace where dnsmasq makes itself known as a router, and hands out what `range` says. */
async function served(range: string): Promise<Lab> {
  const lab = new Lab();
  lab.run("sysctl", ["-qw", "net.ipv6.conf.all.forwarding=1"]);
  succeeded("ip", ["-n", lab.name, "addr", "add", `${KERNEL}/64`, "dev", "tap0", "nodad"]);
  const server = lab.start("dnsmasq", [
    "--keep-in-foreground", "--conf-file=/dev/null", "--port=53", "--interface=tap0", "--bind-dynamic",
    "--user=root", "--group=root", "--no-resolv", "--no-hosts", "--enable-ra", `--dhcp-range=${range}`,
    "--log-facility=-", "--log-dhcp", `--pid-file=${lab.file("pid")}`, `--dhcp-leasefile=${lab.file("leases")}`,
  ]);
  await said(server, "DHCPv6");
  return lab;
}

/** One field of each packet that a filter of tshark lets through. */
function read(pcap: string, filter: string, field: string): string[] {
  const r = ran("tshark", ["-r", pcap, "-Y", filter, "-T", "fields", "-e", field]);
  assert.equal(r.status, 0, r.stderr);
  return r.stdout.split("\n").filter((line) => line !== "");
}

/** Which messages there were, without those that were sent again. */
function exchange(pcap: string): string[] {
  const types = read(pcap, "dhcpv6", "dhcpv6.msgtype");
  return types.filter((type, i) => type !== types[i - 1]);
}

describe("DHCPv6 from dnsmasq", () => {
  for (const runtime of ["node", "wasmtime"]) it(`${runtime}: stint up gets an address, prints it, serves on it, `
      + "and gives it back", async (t) => {
    if (lacks(t, ...NEEDS, runtime)) return;
    const lab = await served("fd00:9::100,fd00:9::1ff,64,10m"), pcap = lab.file("up.pcapng");
    const leases = (): string => readFileSync(lab.file("leases"), "utf8");
    try {
      const up = await lab.up([
        "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--echo", "7", "--pcap", pcap, "--runtime", runtime,
      ]);
      const given = /^address (fd00:9::1[0-9a-f]{2})$/m;
      await until("an address of the server", () => given.test(up.err), 60_000);
      const address = given.exec(up.err)![1]!;
      assert.match(leases(), new RegExp(` ${address} `));
      const r = await lab.sh(`echo hello | nc -6 -q 1 -w 20 ${address} 7`);
      assert.equal(r.out, "hello\n", r.err + up.err);
      assert.equal(await up.stop(), 0, up.err);
      await until("the lease is free again", () => !leases().includes(address), 60_000);
      const types = exchange(pcap);
      assert.deepEqual(types.slice(0, 4), [SOLICIT, ADVERTISE, REQUEST, REPLY]);
      assert.equal(types[4], RELEASE);
      assert.deepEqual(complaints(pcap), []);
    } finally {
      lab.close();
    }
  });
});
