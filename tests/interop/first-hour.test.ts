/** The first hour with a TAP device: whose it is, who else has it, and what is said of it. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { Lab, lacks, PEER_IP, STACK_IP, STINT } from "./lab.js";

const UP = ["up", "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--echo", "7"];
const MINE = ["up", "--link", "tap:mine", "--ip", "10.8.0.2/24", "--echo", "7"];

interface Finding { way: string; works?: boolean; says: string }

/** A lab, unless something is missing for it. */
async function inLab(t: TestContext, what: (lab: Lab) => Promise<void> | void, ...needs: string[]): Promise<void> {
  if (lacks(t, "root", "tap", "ip", "socat", ...needs)) return;
  const lab = new Lab();
  try {
    await what(lab);
  } finally {
    lab.close();
  }
}

/** The command as nobody, on a machine where /dev/net/tun is everybody's, as it is with udev, or root's alone. */
function asNobody(lab: Lab, mode: string, ...args: string[]): ReturnType<Lab["run"]> {
  const tun = lab.file(`tun-${mode}`), command = [...STINT, ...args].map((a) => `"${a}"`).join(" ");
  return lab.run("bash", ["-c", [
    `mknod ${tun} c 10 200`, `chmod ${mode} ${tun}`, `mount --bind ${tun} /dev/net/tun`,
    "ip tuntap add dev mine mode tap user nobody", "ip addr add 10.8.0.1/24 dev mine", "ip link set mine up",
    `setpriv --reuid 65534 --regid 65534 --clear-groups timeout -s INT 3 ${command}`,
  ].join(" && ")]);
}

describe("a TAP device", () => {
  it("that another program has is in use, and nothing is ready", (t) => inLab(t, async (lab) => {
    await lab.up(UP.slice(1));
    for (const up of [UP, UP.map((word) => word.replace("tap:tap0", "tap:tap0,socat"))]) {
      const began = performance.now(), second = lab.run(STINT[0]!, [STINT[1]!, ...up]);
      assert.deepEqual([second.status, second.out], [2, ""]);
      assert.equal(second.err, "stint: cannot open tap0: it is in use by another program\n");
      assert.ok(performance.now() - began < 5000, "and it ends");
    }
  }));

  it("of one's own needs no root", (t) => inLab(t, (lab) => {
    const { out, err } = asNobody(lab, "666", ...MINE);
    assert.match(out, /^ready 10\.8\.0\.2 echo:7/m, err);
  }, "setpriv"));

  it("that one may not have is an error that says what to do, and the command ends", (t) => inLab(t, (lab) => {
    const began = performance.now();
    const { status, err } = asNobody(lab, "600", ...MINE);
    assert.match(err, /^stint: cannot open mine: \/dev\/net\/tun is for root alone .*chmod 666 \/dev\/net\/tun\n$/);
    assert.equal(status, 2);
    assert.ok(performance.now() - began < 3000);
  }, "setpriv"));

  it("does not give a stack the kernel's own address", (t) => inLab(t, (lab) => {
    const { status, err } = lab.run(STINT[0]!, [STINT[1]!, "up", "--link", "tap:tap0", "--ip", `${PEER_IP}/24`]);
    assert.equal(status, 2);
    assert.match(err, /^stint: 10\.9\.0\.1 is this machine's own address: /);
  }));

  it("that is down is said to be, and so is what is waited for", (t) => inLab(t, async (lab) => {
    lab.run("ip", ["link", "set", "tap0", "down"]);
    const { err } = await lab.sh(`timeout -s INT 2 ${STINT.join(" ")} up --link tap:tap0 --echo 7`);
    assert.match(err, /^link down: tap0 is down; bring it up: ip link set tap0 up$/m);
    assert.match(err, /^asking the network for an address \(DHCP\), for up to 30 s$/m);
  }));

  it("is tried by stint doctor, and gone afterwards", (t) => inLab(t, (lab) => {
    const { status, out } = lab.run(STINT[0]!, [STINT[1]!, "doctor", "--json"]);
    const { findings } = JSON.parse(out) as { findings: Finding[] };
    const of = (way: string): Finding => findings.find((f) => f.way === way)!;
    assert.equal(status, 0);
    assert.deepEqual([of("node").works, of("stack").works], [true, true]);
    assert.equal(of("tap").works, true, of("tap").says);
    assert.doesNotMatch(lab.run("ip", ["-br", "link"]).out, /stint/);
    for (const f of findings) assert.ok(f.works !== false || f.says.length > 10, f.way);
  }));
});
