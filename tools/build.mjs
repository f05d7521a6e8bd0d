// `npm run build`: everything under build/, but for the firmware, which `npm run board` puts into build/boards.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { compile, FAST, FASTEST, SMALL } from "./wasm.mjs";

/** Compiles one target of asconfig.json. */
function wasm(entry, target, optimize) {
  return compile(entry, target, `build/${target}.wasm`, optimize);
}

function size(path) {
  console.log(`${path.padEnd(24)} ${String(statSync(path).size).padStart(8)} bytes`);
}

rmSync("build", { recursive: true, force: true });
mkdirSync("build");
size(wasm("assembly/index.ts", "stint", SMALL));
// For microcontrollers: what a board has (tools/board compiles it together with its services).
size(compile("assembly/index.ts", "board", "build/stint.mcu.wasm", SMALL));
size(wasm("assembly/index.ts", "stint.simd", FASTEST));
size(wasm("assembly/services/app.ts", "stint-app", FAST));
size(wasm("host/wasi/main.ts", "stint-wasi", FAST));
// To be linked into applications: without memory of its own, its data below 1024, where compilers put nothing.
size(wasm("assembly/index.ts", "stint-link", SMALL));
size(wasm("assembly/index.ts", "stint-link.simd", FASTEST));

const common = { bundle: true, platform: "node", target: "node20", format: "esm", logLevel: "warning" };
const banner = { js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" };
// The command; what few of its users need (plots) is a file of its own, read when it is asked for.
await build({
  ...common, entryPoints: { stint: "host/cli/main.ts", "stint-shard": "host/shards/worker.ts" }, outdir: "build", splitting: true, chunkNames: "stint-[name]-[hash]", minify: true, banner,
});
chmodSync("build/stint.js", 0o755);
size("build/stint.js");
mkdirSync("build/lab");
await lab();
await build({ ...common, entryPoints: ["host/index.ts"], outfile: "build/index.js" });
execFileSync("node_modules/.bin/tsc", ["-p", "tsconfig.types.json"], { stdio: "inherit" });
size("build/index.js");

/** The handshake lab: one file that needs nothing else, not even a server. */
async function lab() {
  // Without what makes it large: a page is loaded over networks.
  const module = compile("assembly/index.ts", "stint.simd", "build/lab/stint.wasm", FAST);
  const { outputFiles } = await build({
    entryPoints: ["host/browser/main.ts"], bundle: true, write: false, minify: true, format: "iife", target: "es2022", platform: "browser", logLevel: "warning",
    define: { STINT_WASM: JSON.stringify(readFileSync(module).toString("base64")) },
  });
  const style = await transform(readFileSync("host/browser/style.css", "utf8"), { loader: "css", minify: true });
  const page = readFileSync("host/browser/index.html", "utf8").replace("/*STYLE*/", () => style.code).replace("/*SCRIPT*/", () => outputFiles[0].text.replaceAll("</script", "<\\/script"));
  rmSync(module);
  writeFileSync("build/lab/index.html", page);
  console.log(`${"build/lab/index.html".padEnd(24)} ${String(page.length).padStart(8)} bytes, ${gzipSync(page).length} compressed`);
}
