// `npm run build`: everything under build/. Nothing else writes there.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, statSync } from "node:fs";
import { build } from "esbuild";

const FEATURES = ["--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-sign-ext", "--enable-mutable-globals", "--enable-nontrapping-float-to-int"];

// Inlining what is called once, or is tiny, is what makes the module smallest: these limits were tried out.
const SMALL = ["-Oz", "--converge", "-aimfs", "4", "-ocimfs", "1000"];
const FAST = ["-O4", "--enable-simd"];

/** Compiles one target of asconfig.json, then lets Binaryen's newest optimizer have a second look. */
function wasm(entry, target, optimize) {
  const out = `build/${target}.wasm`;
  run("asc", [entry, "--target", target, "--outFile", out]);
  run("wasm-opt", [...optimize, ...FEATURES, out, "-o", out]);
  return out;
}

function run(program, args) {
  try {
    execFileSync(`node_modules/.bin/${program}`, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  } catch (e) {
    console.error(`${program} ${args.join(" ")}\n${e.stdout ?? ""}${e.stderr ?? e.message}`);
    process.exit(1);
  }
}

function size(path) {
  console.log(`${path.padEnd(24)} ${String(statSync(path).size).padStart(8)} bytes`);
}

rmSync("build", { recursive: true, force: true });
mkdirSync("build");
size(wasm("assembly/index.ts", "stint", SMALL));
size(wasm("assembly/index.ts", "stint.simd", FAST));
size(wasm("assembly/services/app.ts", "stint-app", FAST));
size(wasm("host/wasi/main.ts", "stint-wasi", FAST));

const common = { bundle: true, platform: "node", target: "node20", format: "esm", logLevel: "warning" };
const banner = { js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" };
// The command; what few of its users need (plots) is a file of its own, read when it is asked for.
await build({
  ...common, entryPoints: { stint: "host/cli/main.ts" }, outdir: "build", splitting: true, chunkNames: "stint-[name]-[hash]", minify: true, banner,
});
chmodSync("build/stint.js", 0o755);
size("build/stint.js");
await build({ ...common, entryPoints: ["host/index.ts"], outfile: "build/index.js" });
run("tsc", ["-p", "tsconfig.types.json"]);
size("build/index.js");
