/** IPv6 addresses in text: RFC 4291 §2.2, RFC 5952. */
import assert from "node:assert/strict";
import { isIPv6 } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { checkAddresses6, endpoint, formatIp6, isAddress, isIp6, parseCidr6, parseIp6 } from "../../host/address6.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const written = (text: string): string => formatIp6(parseIp6(text));

describe("an IPv6 address in text", () => {
  it("is read in every form of RFC 4291 §2.2", () => {
    const want = "20010db800000000000800000000417a".replace("00000000417a", "200c417a0000").slice(0, 32);
    assert.equal(hex(parseIp6("2001:DB8:0:0:8:200C:417A:0")), want);
    assert.equal(hex(parseIp6("::")), "0".repeat(32));
    assert.equal(hex(parseIp6("::1")), `${"0".repeat(31)}1`);
    assert.equal(hex(parseIp6("ff01::101")), `ff01${"0".repeat(25)}101`);
    assert.equal(hex(parseIp6("::13.1.68.3")), `${"0".repeat(24)}0d014403`);
    assert.equal(hex(parseIp6("0:0:0:0:0:FFFF:129.144.52.38")), `${"0".repeat(20)}ffff81903426`);
    assert.equal(hex(parseIp6("64:ff9b::192.0.2.33")), "0064ff9b0000000000000000c0000221");
    assert.equal(hex(parseIp6("fe80::1%eth0")), hex(parseIp6("fe80::1")), "the zone means nothing");
  });

  it("is written as RFC 5952 recommends", () => {
    for (const [from, to] of [
      ["2001:0db8::0001", "2001:db8::1"], ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
      ["2001:DB8::AAAA", "2001:db8::aaaa"],
      ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"], ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
      ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"], ["0:0:0:0:0:0:0:0", "::"], ["1::", "1::"],
      ["::ffff:192.0.2.1", "::ffff:192.0.2.1"], ["fe80:0:0:0:0:0:0:0", "fe80::"],
    ] as const) assert.equal(written(from), to, from);
  });

  it("is refused, in one line, where it is none", () => {
    for (const text of [
      "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:2:3:4:5:6:7::8",
      "12345::", "g::", ":1::", "1::2:",
      "::1.2.3", "::1.2.3.256", "::01.2.3.4", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4",
      "fe80::1%", "fe80::1%a%b", " ::1", "[::1]", "::1/64", "-1::",
    ]) {
      const message = `"${text}" is no IPv6 address; write it like 2001:db8::2`;
      assert.throws(() => parseIp6(text), { name: "RangeError", message }, text);
      assert.equal(isIp6(text), false, text);
    }
  });

  it("reads and writes as Node's own", () => {
    const any = fc.uint8Array({ minLength: 16, maxLength: 16 }), places = fc.uint8Array({ maxLength: 8 });
    fc.assert(fc.property(any, places, (bytes, zeros) => {
      for (const at of zeros) bytes.fill(0, (at % 8) * 2, (at % 8) * 2 + 2);
      const text = formatIp6(bytes);
      assert.ok(isIPv6(text), text);
      assert.equal(hex(parseIp6(text)), hex(bytes), text);
      if (text.startsWith("::ffff:")) return;
      assert.equal(new URL(`http://[${text}]/`).hostname, `[${text}]`, "what WHATWG writes");
    }), { numRuns: 500 });
    fc.assert(fc.property(fc.stringMatching(/^[0-9a-f:.]{0,20}$/), (text) => {
      assert.equal(isIp6(text), isIPv6(text), text);
    }), { numRuns: 2000 });
    fc.assert(fc.property(fc.ipV6(), (text) => {
      assert.equal(isIp6(text), isIPv6(text), text);
    }), { numRuns: 500 });
  });

  it("has a prefix, an end, and can be a host's", () => {
    assert.deepEqual(parseCidr6("fd00::2/64"), { bytes: parseIp6("fd00::2"), prefix: 64 });
    for (const text of ["fd00::2", "fd00::2/129", "fd00::2/", "fd00::2/64/1", "10.0.0.1/24"])
      assert.throws(() => parseCidr6(text), RangeError, text);
    assert.equal(endpoint("fd00::2", 80), "[fd00::2]:80");
    assert.equal(endpoint("10.0.0.2", 80), "10.0.0.2:80");
    assert.deepEqual(["10.0.0.2", "fd00::2", "name"].map(isAddress), [true, true, false]);
    checkAddresses6(["fd00::2/64", "fe80::2/64"], "fe80::1");
    for (const [own, router, why] of [
      ["ff02::1/64", undefined, /multicast/], ["::/0", undefined, /unspecified/], ["::1/128", undefined, /loopback/],
      ["::ffff:10.0.0.1/96", undefined, /IPv4/], ["fd00::2/64", "fd00:0::2", /own address/],
      ["fd00::2/64", "ff02::2", /multicast/],
    ] as const) assert.throws(() => checkAddresses6([own], router), why, own);
  });
});
