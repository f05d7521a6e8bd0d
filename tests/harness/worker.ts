/**
 * Threads that run TypeScript: what a file needs is bundled into one, once a process, which takes it away when it ends.
 */
import { mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker, type ResourceLimits } from "node:worker_threads";
import { buildSync } from "esbuild";

const bundles = new Map<string, string>();

/** A thread that runs the file at `url`. */
export function workerOf(url: string, workerData: unknown, resourceLimits: ResourceLimits = {}): Worker {
  let bundle = bundles.get(url);
  if (bundle === undefined) {
    const entry = fileURLToPath(url), folder = join("node_modules", ".cache", "stint");
    mkdirSync(folder, { recursive: true });
    bundle = join(process.cwd(), folder, `${basename(join(entry, ".."))}-${process.pid}.mjs`);
    // The bundle finds build/ as what it is made of does.
    const define = { "import.meta.url": JSON.stringify(pathToFileURL(join(process.cwd(), "host", "bundle.js")).href) };
    buildSync({
      entryPoints: [entry], outfile: bundle, define, bundle: true, platform: "node", format: "esm",
      packages: "external", logLevel: "warning",
    });
    const made = bundle;
    process.once("exit", () => rmSync(made, { force: true }));
    bundles.set(url, bundle);
  }
  return new Worker(bundle, { workerData, resourceLimits });
}
