/** passt, as an unprivileged user: the stack on the host's network without root. */
import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { freeTcpPort, lacks, sha256, STINT, Up } from "./lab.js";
import { Random } from "../../host/random.js";
import { environment, ran, started } from "../harness/programs.js";

for (const runtime of ["node", "wasmtime"] as const) {
  it(`curl through passt, as an unprivileged user (${runtime})`, async (t) => {
    if (lacks(t, "passt", "curl", "setpriv", ...(runtime === "wasmtime" ? ["wasmtime"] : []))) return;
    const dir = mkdtempSync(join(tmpdir(), "stint-passt-test-"));
    const port = await freeTcpPort();
    try {
      chmodSync(dir, 0o777);
      writeFileSync(join(dir, "file"), new Random(1).bytes(10_000_000));
      // Another user may not be able to read this checkout.
      cpSync("build", join(dir, "build"), { recursive: true });
      const root = process.getuid?.() === 0;
      const drop = root ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"] : [];
      const wasmtime = runtime === "wasmtime" ? ran("bash", ["-c", "command -v wasmtime"]).stdout.trim() : "";
      if (wasmtime) cpSync(wasmtime, join(dir, "wasmtime"), { dereference: true });
      const command = [
        ...drop, STINT[0]!, join(dir, "build/stint.js"), "up", "--link", "passt", "--ip", "10.0.2.15/24", "--gateway",
        "10.0.2.2", "--runtime", runtime, "--http", String(port), "--root", dir,
      ];
      const child = started(command[0]!, command.slice(1), {
        cwd: dir, env: environment({ HOME: dir, TMPDIR: dir, PATH: `${dir}:${process.env["PATH"]}` }),
      });
      const up = new Up(child);
      try {
        await up.ready;
        const r = ran("curl", ["-sS", "--max-time", "30", "-o", join(dir, "got"), `http://127.0.0.1:${port}/file`]);
        assert.equal(r.status, 0, r.stderr + up.err);
        assert.equal(await sha256(join(dir, "got")), await sha256(join(dir, "file")));
        assert.equal(await up.stop(), 0, up.err);
      } finally {
        child.kill("SIGKILL");
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
}
