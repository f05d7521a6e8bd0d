/** `stint link` and `stint run`: applications that have the stack inside. */
import type { Command } from "commander";
import { parseCidr } from "../address.js";
import { monotonicUs } from "../clock.js";
import { captured, CaptureFile } from "../links/capture.js";
import { LINK_FORMS, openLink } from "../links/open.js";
import type { Link } from "../links/link.js";
import { Loop } from "../loop.js";
import { linkDynamic, mergeModules } from "../link/merge.js";
import { ModuleError, readSections } from "../link/sections.js";
import { StackModule } from "../stack.js";
import { address, cidr, parsePort } from "./arguments.js";
import { checkChoice } from "./own-address.js";
import { readInput } from "./problem.js";
import { whenAsked } from "./signals.js";

interface RunOptions { link: string; ip: string; gateway?: string; pcap?: string; forward: number[] }

/** `stint link` and `stint run`: the second runs on a network what the first has made. */
export function addLink(program: Command): void {
  program
    .command("link")
    .description(
      "make one module of an application that imports the stack's calls (include/stint.h) and the stack, "
        + "over the application's memory",
    )
    .argument("<app.wasm>", "the application")
    .requiredOption("-o, --out <path>", "where the module goes; with --dynamic, a folder")
    .option(
      "--dynamic",
      "two modules that are linked when they are loaded: wasmtime run --preload stint=DIR/stint.wasm DIR/app.wasm",
    )
    .option("--fast", "everything that the stack has, for speed (SIMD); the module becomes four times as large")
    .option("--no-optimize", "merge only")
    .action((app: string, options: { out: string; optimize: boolean; dynamic?: boolean; fast?: boolean }) => {
      if (options.dynamic) {
        const [stack, linked] = linkDynamic(app, options.out, options);
        console.log(`wasmtime run --preload stint=${stack} ${linked}`);
        return;
      }
      const { bytes, app: size, stack, imports } = mergeModules(app, options.out, options);
      console.log(`${options.out}: ${bytes} bytes (the application ${size}, the stack ${stack})`);
      if (imports.length > 0) console.log(`it still imports ${imports.join(", ")}`);
    });
  program
    .command("run")
    .description("run an application that `stint link` made, on a network")
    .argument("<module.wasm>", "the application with the stack inside; it exports app_start and app_run")
    .requiredOption("--link <link>", LINK_FORMS)
    .requiredOption("--ip <a.b.c.d/n>", "own address and prefix", cidr)
    .option("--gateway <a.b.c.d>", "default router", address)
    .option(
      "--forward <port>", "with nat or passt: a port of the host that leads to the application's; may be repeated",
      (text: string, before: number[]) => [...before, parsePort(text)], [] as number[],
    )
    .option("--pcap <file>", "write the frames to a pcapng file")
    .action(run);
}

async function run(file: string, options: RunOptions): Promise<void> {
  checkChoice(options);
  const module = load(file), { prefix } = parseCidr(options.ip), plain = options.ip.split("/")[0]!;
  let link: Link = await openLink(options.link, {
    ip: plain, prefix, gateway: options.gateway, ports: options.forward,
  });
  if (options.pcap !== undefined) link = captured(link, new CaptureFile(options.pcap, ["stint"]));
  // A capture is complete, also when the application traps or the link breaks.
  try {
    await runOn(link, module, options, plain);
  } finally {
    link.close();
  }
}

async function runOn(link: Link, module: WebAssembly.Module, options: RunOptions, plain: string): Promise<void> {
  const stack = new StackModule(module, {
    ip: options.ip, ...(options.gateway === undefined ? {} : { gateway: options.gateway }),
  });
  const loop = new Loop(stack, link, monotonicUs);
  loop.onPolled = () => stack.runApplication();
  // After the loop's first turn, which announces the address.
  setImmediate(() => console.log(`ready ${plain}`));
  try {
    await new Promise<void>((done, fail) => {
      whenAsked(done);
      link.onClose = (error) => (error ? fail(error) : done());
    });
  } finally {
    loop.stop();
  }
}

function load(file: string): WebAssembly.Module {
  const bytes = readInput(file);
  try {
    const { exports, imports } = readSections(bytes), names = new Set(exports.map((e) => e.name));
    const missing = ["app_start", "app_run", "poll", "controlBlock", "memory"].filter((n) => !names.has(n));
    if (missing.length > 0)
      throw new RangeError(
        `${file}: it does not export ${missing.join(", ")}; make it with stint link, `
          + "from an application as in include/stint.h",
      );
    if (imports.length > 0)
      throw new RangeError(
        `${file}: it imports ${imports.map((i) => `${i.module}.${i.name}`).join(", ")}, which this host does not have`,
      );
  } catch (e) {
    if (e instanceof ModuleError) throw new RangeError(`${file}: ${e.message}`);
    throw e;
  }
  return new WebAssembly.Module(bytes);
}
