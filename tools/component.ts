/**
 * `npm run component`: build/component/stint.wasm, the component of host/component/wit/net.wit, and beside it the same
 * for Node, by way of jco; and build/component/sockets.wasm, which gives a component that uses wasi:sockets the stack
 * (host/component/wasi), and run.wasm, which waits for its last bytes.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transpileBytes } from "@bytecodealliance/jco-transpile";
import { componentEmbed, componentNew } from "@bytecodealliance/jco-transpile/wasm-tools";
import { mergeModules } from "../host/link/merge.js";

const WIT = "host/component/wit/net.wit";
const CLANG = [
  "--target=wasm32", "-O2", "-Wall", "-Wextra", "-Werror", "-mbulk-memory", "-nostdlib", "-Iinclude", "-Wl,--no-entry",
];

function clang(...args: string[]): void {
  const r = spawnSync("clang", [...CLANG, ...args], { encoding: "utf8" });
  if (r.status !== 0) throw new Error(`clang ${args.join(" ")}\n${r.stderr ?? r.error?.message}`);
}

/** Makes a component of a core module that has the exports and imports of `world` in a WIT text. */
async function componentOf(core: Uint8Array, wit: string, world: string): Promise<Uint8Array> {
  return componentNew(await componentEmbed({ binary: core, witSource: wit, world }));
}

/**
 * Makes a component of an application in C that imports stint:net; `wit` has its `world` and what else that imports.
 */
export async function applicationOf(source: string, wit: string, world: string, dir: string): Promise<Uint8Array> {
  const core = join(dir, "app-core.wasm");
  const net = readFileSync(WIT, "utf8").replace("package stint:net@0.1.0;", "package stint:net@0.1.0 {");
  clang(source, "-o", core);
  return componentOf(readFileSync(core), `${readFileSync(wit, "utf8")}\n${net}}\n`, world);
}

const WASI = "host/component/wasi";

/** The interfaces of WASI 0.2, in one of its versions. */
function interfaces(version: string): string {
  if (!/^0\.2\.\d+$/.test(version)) throw new RangeError(`${version} is no version of WASI 0.2; as 0.2.9`);
  return readFileSync("host/component/wit/wasi.wit", "utf8").replaceAll("0.2.9", version);
}

/**
 * Makes the component that stands around another one's wasi:cli/run, and waits for its last bytes when that returns, as
 * `out`.
 */
export async function run(out: string, version = "0.2.9"): Promise<Uint8Array> {
  const wit = interfaces(version), core = `${out}.core`;
  clang(`-DWASI_VERSION="${version}"`, join(WASI, "run.c"), "-o", core);
  const made = await componentOf(readFileSync(core), wit, "run");
  rmSync(core);
  writeFileSync(out, made);
  return made;
}

/**
 * Makes the component that implements wasi:sockets, and wraps what else hands out WASI's streams and pollables, as
 * `out`. `version`: of the interfaces.
 */
export async function sockets(out: string, version = "0.2.9"): Promise<Uint8Array> {
  const wit = interfaces(version), adapter = `${out}.adapter`, core = `${out}.core`;
  const sources = ["io.c", "link.c", "sockets.c", "udp.c", "names.c", "place.c", "files.c"].map((f) => join(WASI, f));
  clang(`-DWASI_VERSION="${version}"`, ...sources, "-o", adapter);
  mergeModules(adapter, core, { fast: true });
  const made = await componentOf(readFileSync(core), wit, "sockets");
  rmSync(adapter);
  rmSync(core);
  writeFileSync(out, made);
  return made;
}

/** Makes the component in `dir`: stint.wasm, and stint.js with its modules and types. */
export async function component(dir: string): Promise<Uint8Array> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const adapter = join(dir, "adapter.wasm"), core = join(dir, "core.wasm");
  clang("host/component/adapter.c", "-o", adapter);
  mergeModules(adapter, core, { fast: true });
  const made = await componentOf(readFileSync(core), readFileSync(WIT, "utf8"), "net");
  rmSync(adapter);
  rmSync(core);
  writeFileSync(join(dir, "stint.wasm"), made);
  const { files } = await transpileBytes(made, {
    name: "stint", instantiation: { tag: "async" }, nodejsCompat: true,
  } as never);
  for (const [name, data] of Object.entries(files)) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), data);
  }
  return made;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const made = await component("build/component");
  writeFileSync(
    "build/component/echo.wasm",
    await applicationOf("examples/component/echo.c", "examples/component/echo.wit", "echo", "build/component"),
  );
  rmSync("build/component/app-core.wasm");
  const adapter = await sockets("build/component/sockets.wasm");
  await run("build/component/run.wasm");
  console.log(
    `build/component/stint.wasm: ${made.length} bytes; build/component/stint.js for Node; echo.wasm, an application`,
  );
  console.log(
    `build/component/sockets.wasm: ${adapter.length} bytes; for components that use wasi:sockets; `
      + "run.wasm, for their ends",
  );
}
