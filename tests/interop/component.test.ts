/** The component under wasmtime: composed with an application, and the kernel as its peer. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { applicationOf, component } from "../../tools/component.js";
import { Lab, lacks } from "./lab.js";

describe("the component under wasmtime", () => {
  it("composed with an echo server: the kernel gets back what it sent, four times at once; who asks wrongly is told", async (t) => {
    if (lacks(t, "root", "tap", "ip", "nc", "clang", "wasm-ld", "wasmtime", "wac")) return;
    const lab = new Lab();
    try {
      await component(lab.file("stint"));
      writeFileSync(lab.file("echo.wasm"), await applicationOf("host/examples/component/echo.c", "host/examples/component/echo.wit", "echo", lab.file("stint")));
      execFileSync("wac", ["plug", lab.file("echo.wasm"), "--plug", `${lab.file("stint")}/stint.wasm`, "-o", lab.file("composed.wasm")]);
      const wrong = await lab.sh(`wasmtime run ${lab.file("composed.wasm")} 10.9.0.256/24 < /dev/null`);
      assert.match(wrong.err, /usage: echo ADDRESS\/PREFIX/);
      assert.equal(wrong.status, 1);
      const server = lab.start(process.execPath, ["--import", "tsx", "tests/interop/bridge.ts", "tap:tap0", "wasmtime", "run", lab.file("composed.wasm"), "10.9.0.2/24"]);
      await new Promise<void>((done) => server.stderr!.on("data", (d: Buffer) => { if (d.toString().includes("ready")) done(); }));
      const sent = lab.random("sent", 500_000), one = (i: number): string => `nc -N 10.9.0.2 7 < ${sent} > ${lab.file(`got${i}`)} & `;
      const r = await lab.sh(`${[0, 1, 2, 3].map(one).join("")} wait`, 60);
      assert.equal(r.status, 0, r.err);
      for (let i = 0; i < 4; i++) assert.ok(readFileSync(lab.file(`got${i}`)).equals(readFileSync(sent)), `connection ${i}`);
    } finally {
      lab.close();
    }
  });
});
