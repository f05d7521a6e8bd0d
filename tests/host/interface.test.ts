/** A network device beside the kernel's own stack: what is asked of a packet socket (host/links/interface.ts). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { takeInterface } from "../../host/links/interface.js";
import { LinkError, type Link } from "../../host/links/link.js";
import { BIND, FakeKernel, SOCKET } from "../harness/fake-tun.js";

const ADD_MEMBERSHIP = 1, VNET_HDR = 15, IGNORE_OUTGOING = 23, ATTACH_FILTER = 26, INDEX = 7;
const take = (kernel: FakeKernel): Link => takeInterface(kernel, "eth7", INDEX);

/** What the kernel knows of a frame beside its bytes: to whom it is, and whether it had a tag. */
interface About { type: number; tag: number }

/** Runs a filter as the kernel does (linux/filter.h): the codes that there are, and no other. */
function passes(program: DataView, about: About): boolean {
  let a = 0;
  for (let i = 0; i < program.byteLength / 8;) {
    const code = program.getUint16(8 * i, true), k = program.getUint32(8 * i + 4, true);
    if (code === 0x06) return k > 0;
    if (code === 0x20) {
      assert.ok(k === 0xfffff004 || k === 0xfffff030);
      a = k === 0xfffff004 ? about.type : about.tag;
      i++;
    } else {
      assert.equal(code, 0x15);
      i += 1 + program.getUint8(8 * i + (a === k ? 2 : 3));
    }
  }
  return assert.fail("it does not end");
}

describe("a network device", () => {
  it("is listened to whole, by its index, with a head before each frame and without what the kernel sends", () => {
    const kernel = new FakeKernel(), link = take(kernel);
    const number = (option: number): number => new DataView(kernel.options.get(option)!.buffer).getInt32(0, true);
    assert.deepEqual([VNET_HDR, IGNORE_OUTGOING].map(number), [1, 1]);
    assert.deepEqual([...kernel.bound!.subarray(0, 8)], [17, 0, 0, 3, INDEX, 0, 0, 0], "every protocol of this device");
    assert.deepEqual([...kernel.options.get(ADD_MEMBERSHIP)!.subarray(0, 8)], [INDEX, 0, 0, 0, 1, 0, 0, 0]);
    link.close();
    assert.deepEqual([kernel.isOpen, kernel.polls], [false, 0]);
  });

  it("lets in what is for others and for groups, and neither what is for the kernel nor tagged frames", () => {
    const kernel = new FakeKernel();
    take(kernel);
    const given = kernel.options.get(ATTACH_FILTER)!, view = new DataView(given.buffer);
    const code = kernel.at(Number(view.getBigUint64(8, true)), view.getUint16(0, true) * 8);
    const program = new DataView(code.buffer, code.byteOffset, code.length);
    // PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST.
    assert.deepEqual([0, 1, 2, 3].map((type) => passes(program, { type, tag: 0 })), [false, true, true, true]);
    assert.equal(passes(program, { type: 3, tag: 1 }), false);
  });

  it("that cannot be had says why in one line, and leaves nothing open", () => {
    const faults: [option: number, answer: number, says: RegExp][] = [
      [SOCKET, -1, /takes root, or CAP_NET_RAW: setcap/],
      [SOCKET, -97, /error 97/],
      [VNET_HDR, -92, /the kernel is too old/],
      [IGNORE_OUTGOING, -92, /the kernel is too old/],
      [ATTACH_FILTER, -12, /error 12/],
      [BIND, -19, /it is gone/],
      [ADD_MEMBERSHIP, -19, /it is gone/],
      [ADD_MEMBERSHIP, -105, /error 105/],
    ];
    for (const [option, answer, says] of faults) {
      const kernel = new FakeKernel();
      kernel.answers.set(option, answer);
      assert.throws(() => take(kernel), (e: Error) => {
        assert.ok(e instanceof LinkError);
        assert.match(e.message, /^cannot open eth7: [^\n]+$/);
        assert.match(e.message, says);
        return true;
      });
      assert.deepEqual([kernel.isOpen, kernel.polls], [false, 0]);
    }
  });

  it("that goes down, or away, is lost, and one that is busy is not", async () => {
    const gone = "eth7 is gone";
    for (const [errno, says] of [[100, "eth7 is down"], [6, gone], [19, gone], [105, ""]] as const) {
      const kernel = new FakeKernel(), link = take(kernel);
      let said = "";
      link.onClose = (error) => (said = error!.message);
      kernel.fails = -errno;
      kernel.ready();
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      assert.equal(said, says);
      link.close();
    }
  });
});
