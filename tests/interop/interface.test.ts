/**
 * A network device beside the kernel's own stack: both are on one cable, each with its address, and a second kernel is
 * the peer of both.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Lab, lacks, missing, sha256, STINT } from "./lab.js";
import { succeeded, until } from "../harness/programs.js";

const NEEDS = ["root", "tap", "ip", "nc", "curl", "ping"];
const KERNEL = "10.8.0.1", STACK = "10.8.0.2", PEER = "10.8.0.9", SIZE = 3_000_000;

/** Two namespaces with a cable between them: eth0 is the machine's that runs the stack, and eth1 the peer's. */
class Cable {
  readonly here = new Lab();
  readonly there = new Lab();

  constructor() {
    this.plug();
  }

  plug(): void {
    const ip = (...args: string[]): void => void succeeded("ip", args), far = this.there.name, near = this.here.name;
    ip("-n", near, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1", "netns", far);
    ip("-n", near, "addr", "add", `${KERNEL}/24`, "dev", "eth0");
    ip("-n", far, "addr", "add", `${PEER}/24`, "dev", "eth1");
    ip("-n", far, "link", "set", "eth1", "up");
    ip("-n", near, "link", "set", "eth0", "up");
  }

  close(): void {
    this.here.close();
    this.there.close();
  }
}

describe("stint up on a network device that the kernel uses, too", () => {
  let cable: Cable;
  before(() => {
    if (missing(...NEEDS) === undefined) cable = new Cable();
  });
  after(() => cable?.close());
  const up = (lab: Lab, ...more: string[]): ReturnType<Lab["up"]> => lab.up([
    "--link", "if:eth0", "--ip", `${STACK}/24`, "--http", "80", "--echo", "7", "--root", lab.dir, "--stats", ...more,
  ]);

  it("serves and takes large transfers, whose frames are whole and have sums; the kernel keeps its own", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const { here, there } = cable, served = here.random("big", SIZE), sent = there.random("sent", SIZE);
    const run = await up(here);
    const got = await there.sh(`ping -c 3 -i 0.2 ${STACK} && curl -sS -o ${there.file("got")} http://${STACK}/big`);
    assert.equal(got.status, 0, got.out + got.err);
    assert.equal(await sha256(there.file("got")), await sha256(served));
    const echoed = await there.sh(`nc -N ${STACK} 7 < ${sent} > ${there.file("echoed")}`);
    assert.equal(echoed.status, 0, echoed.err);
    assert.equal(await sha256(there.file("echoed")), await sha256(sent));
    // The kernel's own address, on the same cable: nobody else answers for it, and none of it comes to the stack.
    here.start("bash", ["-c", `nc -lN 80 > ${here.file("kernel")}`]);
    await here.listens(80);
    const beside = await there.sh(`ping -c 3 -i 0.2 ${KERNEL} && nc -N ${KERNEL} 80 < ${sent}`);
    assert.equal(beside.status, 0, beside.out + beside.err);
    await until("the kernel has it", async () => await sha256(here.file("kernel")) === await sha256(sent));
    assert.equal(await run.stop(), 0, run.err);
    const errors = ["ipInHdrErrors", "tcpInErrs", "ifInErrors"].map((name) => run.counter(name));
    assert.deepEqual(errors, [0, 0, 0], run.out);
    // What the kernel got were 2,000 segments; what is for groups that the stack is not in are a few.
    assert.ok(run.counter("ifInDiscards") < 100, run.out);
  });

  it("is there again after the device was down, and after it was made anew", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const { here, there } = cable, run = await up(here), words = here.random("big", 1000);
    const fetched = async (): Promise<void> => {
      // The first SYN may be lost while the other side comes up.
      const { status, err } = await there.sh(`curl -sS -m 60 -o ${there.file("got")} http://${STACK}/big`, 90);
      assert.equal(status, 0, err + run.err);
      assert.equal(await sha256(there.file("got")), await sha256(words));
    };
    const told = (line: RegExp, times: number): Promise<void> =>
      until(`it says ${line.source}`, () => run.err.split(line).length > times);
    await fetched();
    here.run("ip", ["link", "set", "eth0", "down"]);
    await told(/link down: eth0 is down/, 1);
    here.run("ip", ["link", "set", "eth0", "up"]);
    await told(/link up/, 1);
    await fetched();
    here.run("ip", ["link", "del", "eth0"]);
    await told(/link down: eth0 is (?:down|gone)/, 2);
    cable.plug();
    await told(/link up/, 2);
    await fetched();
    assert.equal(await run.stop(), 0, run.err);
  });

  it("refuses in one line the kernel's own address, and who has no right to it", (t) => {
    if (lacks(t, ...NEEDS, "setpriv")) return;
    const words = ["up", "--link", "if:eth0", "--echo", "7", "--ip"], { here } = cable;
    const own = here.run(STINT[0]!, [STINT[1]!, ...words, `${KERNEL}/24`]);
    assert.match(own.err, /^stint: 10\.8\.0\.1 is this machine's own address: [^\n]+\n$/);
    const nobody = ["--bounding-set=-net_raw", "--inh-caps=-net_raw", "--ambient-caps=-all"];
    const refused = here.run("setpriv", [...nobody, ...STINT, ...words, `${STACK}/24`]);
    assert.deepEqual([own.status, refused.status], [2, 2]);
    assert.match(refused.err, /^stint: cannot open eth0: that takes root, or CAP_NET_RAW: [^\n]+\n$/);
  });
});
