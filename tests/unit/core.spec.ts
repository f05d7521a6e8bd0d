import { seqLt, seqLe, seqMax, seqMin, seqInWindow } from "../../assembly/core/seq";
import { sumBytes, sumPseudo, foldSum, updateSum } from "../../assembly/core/checksum";
import { Key, hash2 } from "../../assembly/core/hash";
import { ringRead, ringReadSum, ringWrite, ringWriteSum } from "../../assembly/buffers/ring";

const DATA: usize = memory.data(4096, 8);

describe("RFC 9293 §3.4: sequence numbers", () => {
  test("compare modulo 2^32", () => {
    expect(seqLt(0xffffffff, 0)).toBe(true);
    expect(seqLt(0, 0xffffffff)).toBe(false);
    expect(seqLt(5, 5)).toBe(false);
    expect(seqLe(5, 5)).toBe(true);
    expect(seqLt(0x7fffffff, 0xfffffffe)).toBe(true);
    expect(seqMax(0xfffffff0, 0x10)).toBe(0x10);
    expect(seqMin(0xfffffff0, 0x10)).toBe(0xfffffff0);
  });

  test("lie in a window that wraps", () => {
    expect(seqInWindow(3, 0xfffffffe, 10)).toBe(true);
    expect(seqInWindow(8, 0xfffffffe, 10)).toBe(false);
    expect(seqInWindow(0xfffffffd, 0xfffffffe, 10)).toBe(false);
    expect(seqInWindow(7, 7, 0)).toBe(false);
  });
});

/** The sum of 16-bit words, one by one, as RFC 1071 §1 has it. */
function slow(at: usize, size: u32): u16 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const byte = <u32>load<u8>(at + i);
    sum += (i & 1) == 0 ? byte << 8 : byte;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return ~(<u16>sum);
}

describe("RFC 1071: the Internet checksum", () => {
  test("of the example in §3", () => {
    // 00 01 f2 03 f4 f5 f6 f7 sums to ddf2.
    store<u64>(DATA, 0xf7f6f5f403f20100);
    expect(bswap<u16>(foldSum(sumBytes(DATA, 8, 0)))).toBe(<u16>~0xddf2);
  });

  test("of every size and alignment equals the plain loop", () => {
    for (let i = 0; i < 2048; i++) store<u8>(DATA + i, <u8>((i * 131 + (i >> 3) * 7) ^ 0xa5));
    for (let at: usize = 0; at < 4; at++) {
      for (let size: u32 = 0; size < 200; size++) {
        expect(bswap<u16>(foldSum(sumBytes(DATA + at, size, 0)))).toBe(slow(DATA + at, size));
      }
    }
    expect(bswap<u16>(foldSum(sumBytes(DATA, 1501, 0)))).toBe(slow(DATA, 1501));
  });

  test("of all ones does not overflow", () => {
    memory.fill(DATA, 0xff, 4000);
    expect(foldSum(sumBytes(DATA, 4000, 0))).toBe(0);
  });

  test("RFC 1624: is updated when a word changes", () => {
    for (let i = 0; i < 64; i++) store<u8>(DATA + i, <u8>(i * 37));
    for (let v: u32 = 0; v < 65536; v += 257) {
      const before = foldSum(sumBytes(DATA, 64, 0)), was = load<u16>(DATA, 20);
      store<u16>(DATA, <u16>v, 20);
      expect(updateSum(before, was, <u16>v)).toBe(foldSum(sumBytes(DATA, 64, 0)));
    }
  });

  test("the pseudo-header counts as its bytes do", () => {
    const bytes: u8[] = [10, 0, 0, 1, 192, 168, 7, 9, 0, 6, 5, 180];
    for (let i = 0; i < 12; i++) store<u8>(DATA + i, bytes[i]);
    expect(foldSum(sumPseudo(0x0a000001, 0xc0a80709, 6, 1460))).toBe(foldSum(sumBytes(DATA, 12, 0)));
  });
});

describe("SipHash-2-4", () => {
  test("of the bytes 0 … 15, by its authors' vectors", () => {
    store<u64>(DATA, 0x0706050403020100);
    store<u64>(DATA, 0x0f0e0d0c0b0a0908, 8);
    // vectors_sip64[16] of the reference implementation: db 9b c2 57 7f cc 2a 3f.
    expect(hash2(changetype<Key>(DATA), 0x0706050403020100, 0x0f0e0d0c0b0a0908)).toBe(0x3f2acc7f57c29bdb);
  });
});

describe("byte rings", () => {
  test("wrap wherever they have to", () => {
    const ring = DATA, from = DATA + 1000, to = DATA + 2000;
    for (let i = 0; i < 100; i++) store<u8>(from + i, <u8>(i + 1));
    for (let at: u32 = 0; at < 169; at++) {
      const head = at % 13, behind = at / 13;
      for (let n: u32 = 0; n <= 13 - behind; n++) {
        memory.fill(to, 0, 20);
        ringWrite(ring, 13, head, behind, from, n);
        ringRead(ring, 13, head, behind, to, n);
        expect(memory.compare(from, to, n)).toBe(0);
        expect(load<u8>(to, 14)).toBe(0);
      }
    }
  });

  test("write and read nothing that is not theirs, whatever the caller believes", () => {
    memory.fill(DATA, 0, 4096);
    expect(() => { ringWrite(DATA, 13, 13, 0, DATA + 1000, 1); }).toThrow("the head is in the ring");
    expect(() => { ringWrite(DATA, 13, 0, 0, DATA + 1000, 14); }).toThrow("more than the ring holds");
    expect(() => { ringWrite(DATA, 13, 5, 6, DATA + 1000, 8); }).toThrow("more than there is room for");
    expect(() => { ringWrite(DATA, 13, 5, 14, DATA + 1000, 0); }).toThrow("behind the ring");
    expect(() => { ringWrite(DATA, 13, 5, 6, DATA + 1000, 0xffffffff); }).toThrow("a length that wraps");
    expect(() => { ringWrite(DATA, 13, 5, 0xfffffffe, DATA + 1000, 4); }).toThrow("a place that wraps");
    expect(() => { ringWriteSum(DATA, 13, 0, 0, DATA + 1000, 14); }).toThrow("with the sum, too");
    expect(() => { ringRead(DATA, 13, 5, 6, DATA + 1000, 8); }).toThrow("more than the ring holds");
    expect(() => { ringReadSum(DATA, 13, 5, 6, DATA + 1000, 8); }).toThrow("with the sum, too");
  });
});
