/** The package as npm makes it: what an installation takes, and whether other people's tools find everything. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { npm, ran, succeeded } from "../harness/programs.js";
import { lacks } from "../interop/lab.js";

/** What an installation may take on a disk, in bytes. */
const INSTALLED_MAX = 3_000_000;

const dir = mkdtempSync(join(tmpdir(), "stint-package-")), home = join(dir, "project");
let tarball = "";
const installed = (...path: string[]): string => join(home, "node_modules", ...path);

/** Whether the package is installed in `home`; the first that asks does it. */
function isInstalled(t: TestContext): boolean {
  if (lacks(t, "npm")) return false;
  if (tarball !== "") return true;
  mkdirSync(home);
  writeFileSync(join(home, "package.json"), '{ "name": "project", "private": true, "type": "module" }');
  const pack = ["pack", process.cwd(), "--ignore-scripts", "--silent"];
  tarball = join(dir, npm(pack, { cwd: dir }).trim().split("\n").at(-1)!);
  // It needs no other package: npm asks nobody.
  npm(["install", tarball, "--offline", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: home });
  return true;
}
after(() => rmSync(dir, { recursive: true }));

describe("the package, installed", () => {
  it(`takes ${INSTALLED_MAX / 1e6} MB at most, with all that it needs`, (t) => {
    if (!isInstalled(t)) return;
    const files = readdirSync(installed(), { recursive: true, encoding: "utf8" }).map((f) => statSync(installed(f)));
    const bytes = files.reduce((sum, f) => sum + (f.isFile() ? f.size : 0), 0);
    assert.ok(bytes > 1_000_000 && bytes <= INSTALLED_MAX, `${bytes} bytes`);
    assert.deepEqual(readdirSync(installed()).filter((f) => !f.startsWith(".")), ["stint"]);
  });

  it("has what its documents link to and show, but for what the README says is not on npm", (t) => {
    if (!isInstalled(t)) return;
    const folders = /^(boards|tests|docs\/(design|reference|testing)|examples\/mqtt-tls)\//;
    const elsewhere = new RegExp(`^((?:CONTRIBUTING|CHANGELOG)\\.md|assembly/DESIGN\\.md)$|${folders.source}`);
    const here = readdirSync(installed("stint"), { recursive: true, encoding: "utf8" });
    const pages = here.filter((file) => file.endsWith(".md")), left = new Set<string>();
    const text = (page: string): string => readFileSync(installed("stint", page), "utf8");
    const links = pages.flatMap((page) =>
      [...text(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => ({ page, link: link!.split("#")[0]! })))
      .filter(({ link }) => link !== "" && !/^https?:/.test(link))
      .map(({ page, link }) => ({ page, to: join(dirname(page), link) }));
    const gone = links.filter(({ to }) => !here.includes(to));
    for (const { to } of gone) if (elsewhere.test(to)) left.add(to);
    assert.deepEqual(gone.filter(({ to }) => !left.has(to)), []);
    assert.ok(pages.length > 10 && links.length > 50 && left.size > 5);
    assert.match(text("README.md"), /Not on npm: the first two, design, reference, tests, boards, mqtt-tls\./);
  });

  it("runs as a command, and as a library in every way that it exports", (t) => {
    if (!isInstalled(t)) return;
    const stint = (...args: string[]): ReturnType<typeof ran> =>
      ran(process.execPath, [installed("stint", "bin", "stint.mjs"), ...args], { cwd: home });
    assert.match(stint("--version").stdout, /^\d+\.\d+\.\d+\n$/);
    assert.match(stint("handshake").stdout, /SYN-RECEIVED/);
    const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as { exports: Record<string, unknown> };
    // AssemblyScript is none; "register" wants a stack to be named.
    const others = ["./assembly", "./register"];
    const ways = Object.keys(exports).filter((name) => /^\.(\/[a-z/]+)?$/.test(name) && !others.includes(name));
    assert.ok(ways.length >= 5, ways.join(" "));
    const list = ways.map((name) => JSON.stringify(name.replace(".", "stint"))).join(", ");
    const script = `for (const name of [${list}]) console.log(name, Object.keys(await import(name)).length);`;
    const imported = succeeded(process.execPath, ["--input-type=module", "-e", script], { cwd: home });
    assert.equal(imported.trim().split("\n").length, ways.length);
    assert.match(imported, /^stint [1-9]/m);
    assert.match(imported, /^stint\/net [1-9]/m);
    const alone = ran(process.execPath, ["--import", "stint/register", "-e", ""], { cwd: home });
    assert.match(alone.stderr, /^stint: there is no stack: .*STINT_LINK/m);
  });

  it("says in one line that linking needs another package, and which", (t) => {
    if (!isInstalled(t)) return;
    const app = join(home, "app.wasm");
    writeFileSync(app, Buffer.from("0061736d01000000", "hex"));
    const { status, stderr } = ran(
      process.execPath, [installed("stint", "bin", "stint.mjs"), "link", app, "-o", join(home, "out.wasm")],
      { cwd: home },
    );
    assert.notEqual(status, 0);
    assert.match(stderr, /^.*needs the package binaryen.*: npm install binaryen@132\n$/);
    const relay = ran(process.execPath, [installed("stint", "build", "stint.js"), "relay"], { cwd: home });
    assert.deepEqual([relay.status, relay.stderr], [2, "stint: a relay needs the package ws: npm install ws@8\n"]);
  });
});

describe("the package, for other people's tools", () => {
  it("has nothing that publint complains of", async (t) => {
    if (!isInstalled(t)) return;
    const bytes = readFileSync(tarball);
    const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { messages } = await publint({ level: "suggestion", pack: { tarball: data } });
    assert.deepEqual(messages, []);
  });

  it("has types that node16 and bundlers find for all that it exports", async (t) => {
    if (!isInstalled(t)) return;
    const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)), {
      // AssemblyScript, and C.
      excludeEntrypoints: ["./assembly", "./include/stint.h"],
    });
    assert.ok(result.types);
    // Modules alone: require() of one is Node's error before 20.19, and node10 does not know "exports".
    const found = result.problems.filter(
      (p) => !("resolutionKind" in p && (p.resolutionKind === "node10" || p.resolutionKind === "node16-cjs")),
    );
    assert.deepEqual(found, []);
  });
});
