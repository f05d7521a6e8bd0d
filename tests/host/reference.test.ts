/** The pages of docs/reference: they are as the sources say, and whatever the library exports has its words. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { Command, Option } from "commander";
import { commandPage } from "../../tools/reference/command.js";
import { library } from "../../tools/reference/library.js";
import { reference, type Reference } from "../../tools/reference/run.js";

const PAGES = readdirSync("docs/reference", { recursive: true, encoding: "utf8" })
  .filter((f) => f.endsWith(".md")).map((f) => join("docs/reference", f)).sort();

describe("pages of docs/reference that are made of the host's sources", () => {
  let found: Reference;
  before(async () => void (found = await reference()));

  it("are as they would be made now", () => assert.deepEqual(found.stale, [], "make them anew: npm run reference"));
  it("have words for all that the library exports", () => assert.deepEqual(found.warnings, []));
});

/** A library of which one part has no words. */
const BARE = `
  /** A class with words. */
  export class Bare {
    /** So has this. */
    told = 1;
    silent = 2;
    /** @internal */
    hiddenInside = 3;
    #hiddenPrivate = 4;

    /** What it has in all. */
    sum(): number {
      return this.told + this.silent + this.hiddenInside + this.#hiddenPrivate;
    }
  }
`;

describe("what makes the pages", () => {
  it("tells of an export that has no words, and leaves private and internal parts out", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "stint-undocumented-")), tsconfig = join(folder, "tsconfig.json");
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "bare.ts"), BARE);
    writeFileSync(tsconfig, '{ "compilerOptions": { "target": "ES2022", "types": [] }, "files": ["bare.ts"] }');
    const entryPoints = [join(folder, "bare.ts")];
    const { pages, warnings } = await library("pages", { name: "bare", entryPoints, tsconfig });
    const text = Object.entries(pages).map(([path, page]) => `${path}\n${page}`).join("\n");
    assert.deepEqual(warnings.map((w) => /^\S+/.exec(w)![0]), ["Bare.silent"]);
    assert.match(text, new RegExp("pages/classes/Bare.md"));
    assert.ok(text.includes("A class with words.") && !text.includes("hidden"));
  });

  it("names every command, argument and option, with its unit and its default", () => {
    const program = new Command("stint").description("a stack");
    program.command("go").description("do it").argument("<file>", "which one")
      .requiredOption("--link <link>", "a link")
      .option("--linger <seconds>", "how long", Number, 60)
      .option("--no-optimize", "merge only")
      .addOption(new Option("--runtime <name>", "what runs it").choices(["node", "wasmtime"]))
      .addOption(new Option("--secret", "nobody's").hideHelp());
    const page = commandPage(program);
    for (const row of [
      "| [`go`](#stint-go) | do it |", "## `stint go`", "Do it.", "| `file` | must be given | which one |",
      "| `--link` | link | must be given | a link |", "| `--linger` | seconds | 60 | how long |",
      "| `--no-optimize` |  |  | merge only |", "| `--runtime` | name |  | what runs it; one of node, wasmtime |",
    ]) assert.ok(page.split("\n").includes(row), `${row}\nin\n${page}`);
    assert.ok(!page.includes("--secret"));
  });
});

describe("links of the reference", () => {
  it("lead to files that are there", () => {
    assert.ok(PAGES.length > 40);
    const broken = PAGES.flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
        .filter(([, to]) => !/^https?:/.test(to!) && !existsSync(join(dirname(file), to!)))
        .map(([, to]) => `${file}: ${to}`));
    assert.deepEqual(broken, []);
  });
});
