/**
 * DHCP and DNS with dnsmasq: an address, a second time the same one, a server that knows nothing of us, and one that is
 * gone.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { complaints, Lab, lacks, missing, PEER_IP, STINT, Up } from "./lab.js";
import { ran, said, started } from "../harness/programs.js";

const NEEDS = ["root", "tap", "ip", "dnsmasq", "nc"];

/** Starts dnsmasq on tap0; `more`: options beside the usual ones. */
async function dnsmasq(lab: Lab, ...more: string[]): Promise<void> {
  const child = lab.start("dnsmasq", [
    "--keep-in-foreground", "--conf-file=/dev/null", "--interface=tap0", "--bind-interfaces", "--except-interface=lo",
    "--no-resolv", "--no-hosts", "--no-ping", "--user=root", "--pid-file=", `--dhcp-leasefile=${lab.file("leases")}`,
    "--log-facility=-", "--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,2m", "--dhcp-authoritative",
    "--domain=lab.test", "--local=/lab.test/", "--address=/example.test/10.9.0.1", ...more,
  ]);
  await said(child, "DHCP, IP range");
}

describe("DHCP from dnsmasq", () => {
  let lab: Lab;
  before(async () => {
    if (missing(...NEEDS) !== undefined) return;
    lab = new Lab();
    await dnsmasq(lab);
  });
  after(() => lab?.close());

  let first = "";
  it("stint up without --ip gets an address, prints it, and serves on it; the server knows its name", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const up = await lab.up(["--link", "tap:tap0", "--echo", "7", "--name", "lamp", "--pcap", lab.file("up.pcapng")]);
    first = /ready (10\.9\.0\.\d+) /.exec(up.out)?.[1] ?? "";
    assert.match(first, /^10\.9\.0\.(5\d|60)$/, up.out);
    const r = await lab.sh(`echo hello | nc -q 1 -w 5 ${first} 7`);
    assert.equal(r.out, "hello\n", r.err + up.err);
    assert.match(readFileSync(lab.file("leases"), "utf8"), new RegExp(`${first} lamp `));
    assert.equal(await up.stop(), 0, up.err);
    assert.doesNotMatch(readFileSync(lab.file("leases"), "utf8"), /lamp/, "the lease was given back");
  });

  it("tshark finds nothing malformed in it, and the whole exchange, up to the RELEASE", (t) => {
    if (lacks(t, ...NEEDS, "tshark")) return;
    const read = (filter: string, field: string): string[] => {
      const r = ran("tshark", ["-r", lab.file("up.pcapng"), "-Y", filter, "-T", "fields", "-e", field]);
      assert.equal(r.status, 0, r.stderr);
      return r.stdout.split("\n").filter((line) => line !== "");
    };
    assert.deepEqual(read("_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0", "frame.number"), []);
    assert.deepEqual(read("dhcp", "dhcp.option.dhcp"), ["1", "2", "3", "5", "7"]);
  });

  it("asked for again it is the same one, and is announced within 0.3 s of the first frame", async (t) => {
    if (lacks(t, ...NEEDS, "tshark")) return;
    const up = await lab.up([
      "--link", "tap:tap0", "--echo", "7", "--last-ip", first, "--pcap", lab.file("again.pcapng"), "--stats",
    ]);
    assert.match(up.out, new RegExp(`ready ${first} `));
    assert.equal(await up.stop(), 0, up.err);
    const r = ran("tshark", [
      "-r", lab.file("again.pcapng"), "-Y", `(dhcp.option.dhcp == 3 || arp.src.proto_ipv4 == ${first})`, "-T", "fields",
      "-e", "frame.time_epoch",
    ]);
    const [asked, announced] = r.stdout.trim().split("\n").map(Number) as [number, number];
    assert.ok(announced - asked < 0.3, `${announced - asked} s`);
  });

  it("an address of another network is refused by the server, and another one comes", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const up = await lab.up(["--link", "tap:tap0", "--echo", "7", "--last-ip", "10.77.0.9"]);
    assert.match(up.out, /ready 10\.9\.0\.(5\d|60) /);
    assert.equal(await up.stop(), 0, up.err);
  });

  it("stint connect without --ip talks to a host of the network", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const served = lab.sh("echo welcome | nc -q 1 -l -p 99", 30);
    await lab.listens(99);
    const r = await lab.sh(`${STINT.join(" ")} connect ${PEER_IP} 99 --link tap:tap0 < /dev/null`, 30);
    assert.equal(r.out, "welcome\n", r.err);
    await served;
  });

  it("stint connect by name: the server that the network told knows it; "
      + "a name that nobody has is one clear error", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const served = lab.sh("echo welcome | nc -q 1 -l -p 98", 30);
    await lab.listens(98);
    const r = await lab.sh(
      `${STINT.join(" ")} connect example.test 98 --link tap:tap0 --pcap ${lab.file("name.pcapng")} < /dev/null`, 30,
    );
    assert.equal(r.out, "welcome\n", r.err);
    await served;
    const nobody = await lab.sh(`${STINT.join(" ")} connect nobody.lab.test 98 --link tap:tap0 < /dev/null`, 30);
    assert.deepEqual([nobody.status, nobody.out], [1, ""]);
    assert.match(nobody.err, /nobody\.lab\.test.*there is no such name/);
    const alone = await lab.sh(
      `${STINT.join(" ")} connect example.test 98 --link tap:tap0 --ip 10.9.0.9/24 < /dev/null`, 30,
    );
    assert.match(alone.err, /example\.test.*there is no DNS server to ask/);
    assert.equal(alone.status, 1);
    const given = lab.sh("echo welcome | nc -q 1 -l -p 97", 30);
    await lab.listens(97);
    const byHand = await lab.sh(
      `${STINT.join(" ")} connect example.test 97 --link tap:tap0 --ip 10.9.0.9/24 --dns ${PEER_IP} < /dev/null`, 30,
    );
    assert.equal(byHand.out, "welcome\n", byHand.err);
    await given;
  });

  it("tshark finds nothing malformed in question and answer", (t) => {
    if (lacks(t, ...NEEDS, "tshark")) return;
    assert.deepEqual(complaints(lab.file("name.pcapng")), []);
  });
});

describe("DHCP from passt", () => {
  it("stint up --link passt without --ip takes the address that passt hands out, and serves", async (t) => {
    if (lacks(t, "passt", "nc")) return;
    const up = new Up(started(STINT[0]!, [STINT[1]!, "up", "--link", "passt", "--echo", "18099"]));
    try {
      await up.ready;
      assert.match(up.out, /ready 10\.0\.2\.15 echo:18099/);
      const r = ran("nc", ["-q", "1", "-w", "5", "127.0.0.1", "18099"], { input: "hello\n", encoding: "utf8" });
      assert.equal(r.stdout, "hello\n", r.stderr + up.err);
      assert.equal(await up.stop(), 0, up.err);
    } finally {
      up.child.kill("SIGKILL");
    }
  });
});

describe("DHCP of a board, from dnsmasq", () => {
  it("lm3s6965evb without --ip gets an address, serves on it, and the same one again after a trap", async (t) => {
    if (lacks(t, ...NEEDS, "curl", "arm-none-eabi-gcc", "qemu-system-arm")) return;
    const lab = new Lab();
    try {
      await dnsmasq(lab);
      const board = lab.start(process.execPath, [
        "--import", "tsx", "tools/board.ts", "lm3s6965evb", "--debug", "--name", "sensor", "--out",
        lab.file("firmware"), "--run", "--link", "tap:tap0",
      ]);
      const words = await said(board, /ready .*\n/, 240_000), ip = /ready (10\.9\.0\.(?:5\d|60))\n/.exec(words)?.[1];
      assert.ok(ip !== undefined, words);
      assert.match(readFileSync(lab.file("leases"), "utf8"), new RegExp(`${ip} sensor `));
      const page = await lab.sh(`curl -sS --max-time 10 http://${ip}/`, 15);
      assert.match(page.out, new RegExp(`address +${ip.replaceAll(".", "\\.")}\n`), page.err);
      // As much of the C stack is left as a board with a fixed address has to leave (tests/interop/boards).
      assert.ok(Number(/C stack +(\d+)/.exec(page.out)?.[1]) >= 128, page.out);
      const again = said(board, new RegExp(`restarting it[^]*ready ${ip}\n`), 30_000);
      await lab.sh(`curl -sS --max-time 5 http://${ip}/debug/corrupt`, 10);
      await again;
      assert.equal((await lab.sh(`echo hello | nc -q 1 -w 5 ${ip} 7`)).out, "hello\n");
    } finally {
      lab.close();
    }
  });
});
