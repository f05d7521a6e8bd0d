// `npm run build [-- --only NAME,…]`: everything under build/, but for the firmware, which `npm run board` puts into
// build/boards.
// What was made from the same sources is not made again; `--only stint,stint.simd` compiles these modules alone.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { hashOf, unlessMade } from "./made.mjs";
import { compile, FAST, FASTEST, lowered, SMALL } from "./wasm.mjs";

const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1].split(",") : undefined;

// It is made of the small build.
if (only?.includes("stint.mvp")) only.push("stint");

/** What every module is made from, and all that is JavaScript: a change of any of these makes it again. */
const SOURCES = hashOf(["assembly", "host/wasi"], /\.ts$/, [
  "asconfig.json", "package-lock.json", "tools/wasm.mjs", "tools/segments.mjs",
]);
const SCRIPTS = hashOf(["host"], /\.(ts|css|html)$/, [
  "package.json", "package-lock.json", "tsconfig.json", "tsconfig.types.json", "tools/build.mjs",
]);

/** The library's ways into programs for Node's own sockets. */
const NODE = Object.fromEntries(
  ["net", "dgram", "dns", "dns-promises", "register"].map((name) => [name, `host/node/${name}.ts`]),
);

/** Makes `out`, unless it was made from the same sources in the same way, or is not asked for. */
function once(out, how, make) {
  const stamp = `build/.stamps/${out.replace(/[^a-z.]/g, "-")}`, made = `${SOURCES} ${how}`;
  if (only !== undefined && !only.some((name) => out === `build/${name}.wasm`)) return undefined;
  if (existsSync(out) && existsSync(stamp) && readFileSync(stamp, "utf8") === made) return out;
  make();
  mkdirSync("build/.stamps", { recursive: true });
  writeFileSync(stamp, made);
  return out;
}

/** Compiles one target of asconfig.json to `out`. */
function wasm(entry, target, optimize, out = `build/${target}.wasm`) {
  const how = `${entry} ${target} ${optimize.join(" ")}`;
  return once(out, how, () => compile(entry, target, out, optimize));
}

function size(path) {
  if (path !== undefined) console.log(`${path.padEnd(24)} ${String(statSync(path).size).padStart(8)} bytes`);
}

mkdirSync("build/lab", { recursive: true });
size(wasm("assembly/index.ts", "stint", SMALL));
// The same for runtimes that know the first WebAssembly alone.
size(once("build/stint.mvp.wasm", "lowered", () => lowered("build/stint.wasm", "build/stint.mvp.wasm")));
// Both families, small.
size(wasm("assembly/dual.ts", "stint6", SMALL));
// For microcontrollers: what a board has (tools/board compiles it together with its services).
size(wasm("assembly/index.ts", "board", SMALL, "build/stint.mcu.wasm"));
size(wasm("assembly/linkable.ts", "stint.simd", FASTEST));
// For tests: everything that is counted is counted anew after each poll. It is built when it is asked for.
if (only?.includes("stint.checks")) size(wasm("assembly/whole.ts", "stint.checks", FAST));
size(wasm("assembly/services/whole.ts", "stint-app", FAST));
size(wasm("host/wasi/main.ts", "stint-wasi", FAST));
// To be linked into applications: without memory of its own, its data below 1024, where compilers put nothing. The fast
// one is made of stint.simd when it is linked (host/link/stack.ts).
size(wasm("assembly/index.ts", "stint-link", SMALL));

const MADE = ["stint", "stint-shard", "index", "browser", "fetch", ...Object.keys(NODE)]
  .map((name) => `build/${name}.js`);
await unlessMade("build/.stamps/scripts", SCRIPTS, [...MADE, "build/types/index.d.ts"], scripts);
size("build/stint.js");
await lab();
size("build/browser.js");
size("build/fetch.js");
size("build/ip6.js");

/** The command and the library, for Node: they share chunks, and what few need (plots) is read when it is asked for. */
async function scripts() {
  // Chunks have a hash in their names: those of before would stay.
  for (const file of readdirSync("build").filter((f) => /^stint-.*\.js$/.test(f))) rmSync(join("build", file));
  await build({
    entryPoints: { stint: "host/cli/main.ts", "stint-shard": "host/shards/worker.ts", index: "host/index.ts", ...NODE },
    outdir: "build", bundle: true, platform: "node", target: "node20", format: "esm", logLevel: "warning",
    splitting: true, chunkNames: "stint-[name]-[hash]", minify: true, keepNames: true,
    // An optional peer of the package: who has a relay installs it.
    external: ["ws"],
  });
  for (const file of readdirSync("build").filter((f) => f.endsWith(".js"))) withRequire(join("build", file));
  chmodSync("build/stint.js", 0o755);
  // The library for browsers, HTTP and IPv6 for it: each one file that asks for nothing.
  await build({
    bundle: true, format: "esm", logLevel: "warning", outdir: "build",
    entryPoints: { browser: "host/web/index.ts", fetch: "host/web/fetch/index.ts", ip6: "host/web/ip6/index.ts" },
    platform: "browser", target: "es2022", minify: true,
  });
  rmSync("build/types", { recursive: true, force: true });
  execFileSync("node_modules/.bin/tsc", ["-p", "tsconfig.types.json"], { stdio: "inherit" });
  types();
}

/** Packages that are no ES modules ask for Node's own by `require`, which an ES module has to make first. */
function withRequire(file) {
  const text = readFileSync(file, "utf8");
  if (!text.includes("Dynamic require of")) return;
  writeFileSync(
    file,
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);\n" + text,
  );
}

/** Types: those that a way into the library leads to, indented by tabs (11 KB less). */
function types() {
  const needed = new Set(), { include } = JSON.parse(readFileSync("tsconfig.types.json", "utf8"));
  const visit = (file) => {
    if (needed.has(file)) return;
    needed.add(file);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(/^(?: {4})+/gm, (spaces) => "\t".repeat(spaces.length / 4)));
    for (const [, to] of text.matchAll(/\b(?:from|import)[ (]*"(\.[^"]+)\.js"/g))
      visit(join(dirname(file), `${to}.d.ts`));
  };
  for (const entry of include) visit(entry.replace(/^host(.*)\.ts$/, "build/types$1.d.ts"));
  onlyUsed("build/types/module/layout.d.ts", [...needed].map((file) => readFileSync(file, "utf8")));
  for (const name of readdirSync("build/types", { recursive: true }).filter((file) => file.endsWith(".d.ts")))
    if (!needed.has(join("build/types", name))) rmSync(join("build/types", name));
}

/** Leaves out what a file declares for its neighbours, and no type names (9 KB less). */
function onlyUsed(file, texts) {
  const named = (name) => texts.reduce((n, text) => n + text.split(new RegExp(`\\b${name}\\b`)).length - 1, 0);
  const declared = /^(?:\/\*\*(?:(?!\*\/)[^])*\*\/\n)?export declare const (\w+): [^]*?;\n(?=\/\*\*|export )/gm;
  writeFileSync(file, readFileSync(file, "utf8").replace(declared, (all, name) => (named(name) > 1 ? all : "")));
}

/** The handshake lab: one file that needs nothing else, not even a server. */
async function lab() {
  // Without what makes it large: a page is loaded over networks.
  const module = wasm("assembly/whole.ts", "stint.simd", FAST, "build/lab/stint.wasm");
  if (module === undefined) return;
  const page = "build/lab/index.html";
  const made = await unlessMade("build/.stamps/page", `${SCRIPTS} ${SOURCES}`, [page], () => labPage(module, page));
  if (made)
    console.log(
      `${page.padEnd(24)} ${String(statSync(page).size).padStart(8)} bytes, `
        + `${gzipSync(readFileSync(page)).length} compressed`,
    );
}

async function labPage(module, file) {
  const packed = (bytes) => JSON.stringify(gzipSync(bytes, { level: 9 }).toString("base64"));
  const script = async (entry, define = {}) => {
    const { outputFiles } = await build({
      entryPoints: [entry], bundle: true, write: false, minify: true, format: "iife", target: "es2022",
      platform: "browser", logLevel: "warning", define,
    });
    return outputFiles[0].text;
  };
  const code = await script("host/browser/load.ts", {
    STINT_SCRIPT_GZIP: packed(await script("host/browser/main.ts")), STINT_WASM_GZIP: packed(readFileSync(module)),
  });
  const style = await transform(readFileSync("host/browser/style.css", "utf8"), { loader: "css", minify: true });
  const page = readFileSync("host/browser/index.html", "utf8")
    .replace("/*STYLE*/", () => style.code)
    .replace("/*SCRIPT*/", () => code.replaceAll("</script", "<\\/script"));
  writeFileSync(file, page);
}
