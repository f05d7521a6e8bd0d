/** A hundred thousand connections in one module. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../../host/random.js";
import { Crowd } from "../bench/crowd.js";

describe("scale", () => {
  it("100,000 connections are established at once, and a random thousand of them talk", () => {
    const crowd = new Crowd(100_000), random = new Random(3);
    const who = [...new Set(Array.from({ length: 1100 }, () => random.below(100_000)))].slice(0, 1000);
    for (let round = 0; round < 3; round++) {
      assert.equal(crowd.echo(who, (i) => Uint8Array.from({ length: 20 }, (_, k) => (i * 31 + k + round) & 255)), 1000);
    }
    assert.equal(crowd.stack.pools().connections, 100_000);
    assert.ok(
      // The last of them: the name of an IPv6 peer, and its place in the index.
      crowd.stack.arenaBytes / 100_000 < 256 + 128 + 60 + 44,
      `${crowd.stack.arenaBytes / 100_000} bytes a connection with rings of 64 bytes`,
    );
  });
});
