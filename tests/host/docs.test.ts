/**
 * The documents are true: their examples run, their links lead somewhere, and the commands, options, scripts and files
 * that they name are there. A block of code below `<!-- run -->` is run; `<!-- run: prints "words" -->` says what it
 * must print, `<!-- run: needs … -->` what it needs beside Node, and `<!-- run: echo -->` names one of `USES`, which
 * talks to what the example serves.
 */
import assert from "node:assert/strict";
import {
  chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync,
} from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import ts from "typescript";
import { loadModule, StackModule, Wire, type Serve, type Stack } from "../../host/index.js";
import { findProgram } from "../../host/programs.js";
import { parseIp } from "../../host/address.js";
import { record } from "../../tools/border/read.mjs";
import { budget } from "../../tools/size.mjs";
import { B } from "../harness/cable.js";
import { opened, peers } from "../harness/documented.js";
import { gone, numbers, rows, sources, strangeOptions } from "../harness/documents.js";
import { environment, ran, until } from "../harness/programs.js";

const GUIDES = ["README.md", "docs/start.md", ...list("docs/guide")];
const NEW = [...GUIDES, "CHANGELOG.md", "CONTRIBUTING.md", "STYLE.md", "docs/rfc.md"];
/** Lines of a guide, which has one task. */
const GUIDE_MOST = 220;
/** All that there are, but for what is made (tests/host/reference.test.ts). */
const ALL = [...new Set([
  ...NEW, ...readdirSync(".").filter((f) => f.endsWith(".md")),
  ...[".github", "assembly", "boards", "docs", "examples", "host", "tests", "tools"].flatMap(list)
    .filter((f) => !f.startsWith("docs/reference/")),
])];

function list(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".md") && !f.includes("node_modules/"))
    .map((f) => `${folder}/${f}`)
    .sort();
}

interface Example { name: string; language: string; words: string; code: string }

function examples(file: string): Example[] {
  const blocks = readFileSync(file, "utf8").matchAll(/^<!-- run(?:: ([^\n]*))? -->\n```(\w+)\n(.*?)^```$/gms);
  return [...blocks].map(([, words = "", language, code], i) => ({
    name: `${file}, example ${i + 1}`, language: language!, words, code: code!,
  }));
}

/** Parts of programs: one without imports of its own uses what was imported, and perhaps made, before. */
function parts(file: string): { name: string; code: string }[] {
  const before = (code: string): string => {
    if (/^import /m.test(code)) return "";
    const made = /^const stack\b/m.test(code) ? "" : "declare const stack: Stack;\n";
    return `import { Stack, openTap } from "stint";\n${made}`;
  };
  return [...readFileSync(file, "utf8").matchAll(/^<!-- types -->\n```ts\n(.*?)^```$/gms)].map(([, code], i) => ({
    name: `${file}, part ${i + 1}`, code: before(code!) + code!,
  }));
}

const EXAMPLES = GUIDES.flatMap(examples), PARTS = GUIDES.flatMap(parts);
const scratch = mkdtempSync(join(tmpdir(), "stint-docs-"));
after(() => rmSync(scratch, { recursive: true }));

async function read(from: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of from) text += String(chunk);
  return text;
}

/** Lines that Markdown takes for the beginning of code for their indentation. */
const indented = (text: string): string[] =>
  [...text.replace(/^ *```.*?^ *```$/gms, "").matchAll(/^$\n(?! *([-*]|\d+\.) )( {4}.*)$/gm)].map(([, , l]) => l!);

/** How an example is used, by the word in its mark; `said` is what it has printed. */
const USES: Record<string, (peer: Stack, said: () => string, module: Promise<unknown>) => Promise<void>> = {
  async echo(peer) {
    const c = await peer.connect({ host: B, port: 7 });
    c.end("to and fro");
    assert.equal(await read(c), "to and fro");
  },
  async listen(peer, said) {
    const c = await peer.connect({ host: B, port: Number(/port (\d+)/.exec(said())![1]) });
    c.end();
    assert.equal(await read(c), "good day\n");
  },
  async http(peer) {
    const answer = await new Promise<http.IncomingMessage>((done, fail) => {
      http
        .get({ host: B, createConnection: () => peer.createConnection({ host: B, port: 80 }) }, done)
        .on("error", fail);
    });
    assert.equal(await read(answer), "hello\n");
  },
  async serve(_peer, _said, module) {
    const { serve } = await module as { serve: Serve }, wire = new Wire();
    const [a, b] = ["10.0.0.1", B].map((ip) => new StackModule(loadModule(), { ip: `${ip}/24` })) as [
      StackModule, StackModule,
    ];
    wire.attach(a);
    wire.attach(b);
    const turn = serve(b, new AbortController().signal), text = Buffer.alloc(200_000, "abcdefg");
    const c = a.connect(parseIp(B), 7);
    let sent = 0, got = Buffer.alloc(0), over = false;
    wire.onPolled = (port) => {
      if (port === 1) return turn();
      a.drainEvents(() => {});
      if (over || a.info(c).stateName === "SYN-SENT") return false;
      if (sent < text.length && (sent += a.send(c, text.subarray(sent))) === text.length) a.shutdown(c);
      const data = a.receive(c);
      if (data?.length === 0) over = true;
      else if (data) got = Buffer.concat([got, data]);
      return data !== null && !over;
    };
    assert.ok(wire.run(() => over, 5e6));
    assert.ok(got.equals(text));
  },
};

/** What an example says on its console. */
async function listening<T>(what: (said: () => string) => Promise<T>): Promise<string> {
  const log = console.log, lines: string[] = [];
  console.log = (...words: unknown[]) => void lines.push(words.join(" "));
  try {
    await what(() => lines.join("\n"));
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

async function runTypeScript({ name, words, code }: Example): Promise<string> {
  const file = join(scratch, `${name.replace(/\W+/g, "-")}.mts`), use = USES[words];
  writeFileSync(
    file,
    code
      .replace('"stint"', JSON.stringify(resolve("tests/harness/documented.ts")))
      .replace(/"stint\/(net|dgram|dns)"/g, (_, name: string) => JSON.stringify(resolve(`host/node/${name}.ts`))),
  );
  try {
    return await listening(async (said) => {
      const module = import(pathToFileURL(file).href) as Promise<unknown>;
      if (use) {
        if (words !== "serve") await until("the example opens a stack", () => opened.length > 0);
        await new Promise((next) => setTimeout(next, 20));
        await use(peers[0]!, said, module);
        await Promise.all(opened.map((stack) => stack.close(0)));
      }
      await module;
    });
  } finally {
    await Promise.all([...opened.splice(0), ...peers.splice(0)].map((stack) => stack.close(0)));
  }
}

/** A folder as the repository's root, where examples may write; `npx stint` in it is the command that was built. */
function home(): { cwd: string; env: NodeJS.ProcessEnv } {
  const cwd = join(scratch, "home"), bin = join(scratch, "bin");
  if (!existsSync(cwd)) {
    mkdirSync(cwd);
    mkdirSync(bin);
    for (const entry of ["build", "examples", "host", "include", "tests", "package.json"])
      symlinkSync(resolve(entry), join(cwd, entry));
    writeFileSync(
      join(bin, "npx"),
      '#!/bin/sh\n[ "$1" = stint ] || { echo "npx $1: not here" >&2; exit 1; }\nshift\nexec node build/stint.js "$@"\n',
    );
    chmodSync(join(bin, "npx"), 0o755);
  }
  return { cwd, env: environment({ PATH: `${bin}:${process.env["PATH"]}` }) };
}

/** An example in AssemblyScript: it is a module, which imports nothing. */
function compile({ name, code }: Example): void {
  const cwd = join(scratch, "asc"), file = join(cwd, "app.ts"), out = join(cwd, "app.wasm");
  mkdirSync(join(cwd, "node_modules"), { recursive: true });
  symlinkSync(process.cwd(), join(cwd, "node_modules", "stint"));
  writeFileSync(file, code);
  const flags = ["--runtime", "stub", "--use", "abort=", "--use", "STINT_LINKED=NaN", "-O0", "--outFile", out];
  const r = ran(resolve("node_modules/.bin/asc"), ["app.ts", ...flags], { cwd });
  assert.equal(r.status, 0, `${name}: ${r.stderr}`);
  const module = new WebAssembly.Module(readFileSync(out));
  assert.deepEqual(WebAssembly.Module.imports(module), [], name);
  assert.ok(WebAssembly.Module.exports(module).some((e) => e.name === "app_run"), name);
}

/** What an example needs that is not here. */
function missing({ language, words }: Example): string | undefined {
  if (language === "sh" && findProgram("bash") === undefined) return "bash is missing: apt install bash";
  if (!words.startsWith("needs clang")) return undefined;
  if (findProgram("clang") === undefined || findProgram("wasm-ld") === undefined)
    return "clang or wasm-ld is missing: apt install clang lld";
  if (words.includes("WASI") && !existsSync("/usr/include/wasm32-wasi"))
    return "WASI's C library is missing: apt install wasi-libc libclang-rt-dev-wasm32";
  return undefined;
}

describe("examples of the documents", () => {
  it("are there, in each language", () => {
    for (const language of ["ts", "sh"])
      assert.ok(EXAMPLES.filter((e) => e.language === language).length >= 5, language);
    const marks = GUIDES.reduce((n, file) => n + readFileSync(file, "utf8").split("<!-- run").length - 1, 0);
    assert.equal(EXAMPLES.length, marks, "a mark that no block follows");
  });

  it("are all marked: each block is run, or its types are checked", () => {
    const bare = GUIDES.flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(/^(.*)\n *```\w+\n/gm)]
        .filter(([, before]) => !/^ *<!-- (run.*|types|shell: .+) -->$/.test(before!))
        .map(([block]) => `${file}: ${block}`));
    assert.deepEqual(bare, []);
  });

  it("are fenced: no code is told by its indentation, where nothing would look at it", () => {
    assert.deepEqual(ALL.flatMap((file) => indented(readFileSync(file, "utf8")).map((l) => `${file}: ${l}`)), []);
    assert.deepEqual(indented("Text:\n\n    code\n\n- item\n  more\n\n```sh\n    more\n```\n"), ["    code"]);
  });

  it("that need more than a test can give are shell that can be read; their options are looked up below", (t) => {
    const shell = GUIDES.flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(/^ *<!-- shell: [^\n]+ -->\n *```sh\n(.*?)^ *```$/gms)]
        .map(([, code]) => [file, code!] as const));
    const marks = GUIDES.reduce((n, file) => n + readFileSync(file, "utf8").split("<!-- shell").length - 1, 0);
    assert.ok(shell.length === marks && marks > 5, "a mark that no block follows");
    if (findProgram("bash") === undefined) return t.skip("bash is missing: apt install bash");
    for (const [file, code] of shell) assert.equal(ran("bash", ["-nc", code]).stderr, "", `${file}:\n${code}`);
    const named = shell.flatMap(([file, code]) =>
      [...code.matchAll(/(?<=^|[\s=])(?:assembly|boards|examples|host|include|tests|tools)\/[\w./-]+/gm)]
        .map(([path]) => [file, path] as const));
    assert.deepEqual(named.filter(([, path]) => !existsSync(path)), []);
    assert.ok(named.length > 3);
  });

  for (const example of EXAMPLES) {
    it(example.name, async (t: TestContext) => {
      const { language, words, code } = example, lack = missing(example);
      if (lack !== undefined) return t.skip(lack);
      if (words === "asc") return compile(example);
      const known = words === "" || words in USES || /^(needs clang|prints ")/.test(words);
      assert.ok(known && ["ts", "sh"].includes(language), `${language}: ${words}`);
      let said: string;
      if (language === "ts") {
        said = await runTypeScript(example);
      } else {
        const r = ran("bash", ["-euo", "pipefail", "-c", code], home());
        assert.equal(r.status, 0, r.stderr);
        said = r.stdout;
      }
      for (const [, expected] of words.matchAll(/"([^"]*)"/g))
        assert.ok(said.includes(expected!), `no "${expected}" in:\n${said.slice(-2000)}`);
    });
  }

  it("in TypeScript have right types", () => {
    const whole = EXAMPLES.filter((e) => e.language === "ts" && e.words !== "asc");
    const files = [...whole, ...PARTS].map(({ name, code }) => {
      const file = join(scratch, `types-${name.replace(/\W+/g, "-")}.mts`);
      writeFileSync(file, code);
      return file;
    });
    const program = ts.createProgram(files, {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      typeRoots: [resolve("node_modules/@types")],
      types: ["node"],
      baseUrl: process.cwd(),
      paths: {
        stint: ["host/index.ts"], "stint/net": ["host/node/net.ts"], "stint/dgram": ["host/node/dgram.ts"],
        "stint/dns": ["host/node/dns.ts"], "stint/browser": ["host/web/index.ts"],
        "stint/fetch": ["host/web/fetch/index.ts"], "stint/ip6": ["host/web/ip6/index.ts"],
      },
      lib: ["lib.es2022.d.ts", "lib.esnext.disposable.d.ts"],
    });
    const wrong = files.flatMap((file) => program.getSemanticDiagnostics(program.getSourceFile(file)));
    assert.deepEqual(
      wrong.map((d) => `${d.file?.fileName}: ${ts.flattenDiagnosticMessageText(d.messageText, " ")}`), [],
    );
  });
});

/** The anchor that a heading has on GitHub. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
/** A document without its blocks of code. */
const prose = (file: string): string => readFileSync(file, "utf8").replace(/^ *```.*?^ *```$/gms, "");

/** Where a sentence ends. */
const ENDS = /(?<=[.!?])\s+(?=["(A-Z0-9`“*[−])|(?<=[.!?:]\*\*)\s+|(?<=:)\s+/;

/** The paragraphs of a document, and items of its lists: without headings, rows, blocks of code and comments. */
function paragraphs(text: string): string[] {
  const out: string[] = [];
  let open = false;
  for (const line of text.replace(/^ *```.*?^ *```$/gms, "").split("\n")) {
    const isItem = /^\s*([-*]|\d+\.) /.test(line), isIndented = /^ {4}/.test(line) && !open;
    if (line.trim() === "" || /^(#|\||<!--|!\[)/.test(line) || isIndented) {
      open = false;
      continue;
    }
    if (open && !isItem) out.push(`${out.pop()} ${line.trim()}`);
    else out.push(line.replace(/^\s*([-*]|\d+\.) /, "").trim());
    open = true;
  }
  return out;
}

/** How many words a sentence has: code is one, and of a link its text counts. */
function words(sentence: string): number {
  const said = sentence.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/`[^`]*`/g, "code");
  return said.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

describe("documents", () => {
  it("link to files and headings that are there", () => {
    const broken: string[] = [];
    for (const file of ALL) {
      for (const [, link] of prose(file).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(link!)) continue;
        const [path, part] = link!.split("#"), to = path === "" ? file : join(dirname(file), path!);
        if (!existsSync(to)) broken.push(`${file}: ${link}`);
        else if (part !== undefined && ![...prose(to).matchAll(/^#+ (.*)$/gm)].some(([, h]) => anchor(h!) === part))
          broken.push(`${file}: ${link}`);
      }
    }
    assert.deepEqual(broken, []);
  });

  it("have a place each: pages of docs/ are where the kind of page is", () => {
    assert.deepEqual(readdirSync("docs", { withFileTypes: true }).map((f) => f.isDirectory() ? `${f.name}/` : f.name)
      .filter((name) => !name.endsWith(".svg")).sort(), [
      "bsd-sockets.md", "design/", "guide/", "reference/", "rfc.md", "services.md", "start.md", "testing/",
    ]);
    const told = readFileSync("assembly/DESIGN.md", "utf8");
    assert.deepEqual(list("docs/design").filter((page) => !told.includes(`](../${page})`)), []);
    const tests = readFileSync("tests/README.md", "utf8");
    assert.deepEqual(list("docs/testing").filter((page) => !tests.includes(`](../${page})`)), []);
  });

  it("name files that are there", () => {
    const gone: string[] = [];
    for (const file of NEW) {
      for (const [, path] of prose(file).matchAll(
        /`((?:assembly|boards|docs|examples|host|include|tests|tools)\/[\w./*-]+)`/g,
      )) {
        if (!existsSync(path!)) gone.push(`${file}: ${path}`);
      }
    }
    assert.deepEqual(gone, []);
  });

  it("name paths, functions and other words of the sources that are there", () => {
    const now = sources(), there = ALL.filter((file) => file !== "CHANGELOG.md");
    assert.deepEqual(there.flatMap((file) => gone(prose(file), now).map((name) => `${file}: ${name}`)), []);
    assert.deepEqual(gone("`tcp/gone.ts`, `tcp/input.ts`, `tcpInput`, `tcpGone()`, `stint/net`, `a b`", now), [
      "tcp/gone.ts", "tcpGone()",
    ]);
  });

  it("name options of scripts that are there", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
    assert.deepEqual(ALL.flatMap((f) => strangeOptions(readFileSync(f, "utf8"), scripts).map((o) => `${f}: ${o}`)), []);
    assert.deepEqual(strangeOptions("`npm run fuzz -- --frames 2 --wheels 3`", scripts), ["fuzz --wheels"]);
  });

  it("have the numbers that are committed or built", () => {
    const find = (file: string, name: string): number[] => {
      const all = rows(readFileSync(file, "utf8")).filter(([first]) => first === name).map(numbers);
      const said = all.find((row) => row.length > 0);
      assert.ok(said !== undefined, `${file}: ${name}`);
      return said;
    };
    const json = (file: string): Record<string, never> => JSON.parse(readFileSync(file, "utf8")) as never;
    for (const [work, count] of Object.entries(json("tests/bench/instructions.json")))
      assert.equal(find("docs/testing/bench.md", work)[0], count, work);
    for (const [board, counts] of Object.entries(json("boards/instructions.json")))
      assert.deepEqual(find("boards/README.md", board).slice(0, 3), Object.values(counts), board);
    const records = { "TCB": ["tcp/block/tcb", "Tcb"], "half-open record": ["tcp/block/half-open-record", "HalfOpen"],
      "TIME-WAIT record": ["tcp/block/time-wait-record", "TimeWait"], "range": ["buffers/ranges", "Range"],
      "neighbour": ["arp/neighbours", "NeighbourEntry"],
      "server with a Fast Open cookie": ["tcp/open/fast-open", "Server"] };
    for (const [name, [file, type]] of Object.entries(records))
      assert.equal(find("docs/design/memory.md", name)[0], record(`assembly/${file}.ts`, type!).size, name);
    const sender = record("assembly/tcp/block/sender.ts", "Sender").size;
    assert.ok(readFileSync("docs/design/memory.md", "utf8").includes(`| sender | ${sender}, `));
    assert.ok(readFileSync("docs/design/recovery.md", "utf8").includes(`${sender} bytes beside the TCB`));
    const budgets = budget() as { name: string; value: number }[];
    const takes = (name: string): number => budgets.find((row) => row.name.startsWith(name))!.value;
    const readme = readFileSync("README.md", "utf8");
    for (const [name, six, own] of [
      ["a connection with its tables", "the same with IPv6", "Tcb"],
      ["a half-open connection with", "the same half-open connection", "HalfOpen"],
    ] as const) {
      const { size } = record(`assembly/tcp/block/${own === "Tcb" ? "tcb" : "half-open-record"}.ts`, own);
      const says = `| ${size} bytes, and ${takes(name) - size} of tables; with IPv6 ${takes(six) - size} |`;
      assert.ok(readme.includes(says), says);
    }
    const lines = readFileSync("examples/c-posix/echo.c", "utf8").trimEnd().split("\n").length;
    assert.ok(readFileSync("docs/guide/c.md", "utf8").includes(`a whole program of ${lines} lines`));
    const flow = record("assembly/tcp/block/flow.ts", "Flow").size;
    for (const page of ["handshake", "decisions"])
      assert.match(readFileSync(`docs/design/${page}.md`, "utf8"), new RegExp(`begins? with the same ${flow} bytes`));
    for (const name of ["browser", "fetch", "ip6"]) {
      const bytes = readFileSync(`build/${name}.js`), made = [brotliCompressSync(bytes), gzipSync(bytes, { level: 9 })];
      for (const [i, said] of find("docs/guide/page.md", `${name}.js`).entries())
        assert.ok(Math.abs(said - made[i]!.length / 1000) < 0.3, `${name}.js: ${said}, and ${made[i]!.length} bytes`);
    }
  });

  it("name commands, options and scripts that are there", () => {
    const scripts = Object.keys((JSON.parse(readFileSync("package.json", "utf8")) as { scripts: object }).scripts);
    const help = new Map<string, string>(), wrong: string[] = [];
    const known = (...command: string[]): string => {
      const words = command.join(" ");
      if (!help.has(words)) help.set(words, ran(process.execPath, [...command, "--help"]).stdout);
      return help.get(words)!;
    };
    for (const file of ALL) {
      const text = readFileSync(file, "utf8").replace(/ \\\n\s*/g, " ");
      const compare = (line: string, has: string): void => {
        const there: string[] = has.match(/--[a-z0-9-]+/g) ?? [];
        for (const option of line.split(/[#;]|\| /)[0]!.match(/(?<=\s)--[a-z0-9-]+/g) ?? [])
          if (!there.includes(option)) wrong.push(`${file}: ${line}: ${option}`);
      };
      for (const [, script] of text.matchAll(/npm run ([a-z]+)/g))
        if (!scripts.includes(script!)) wrong.push(`${file}: npm run ${script}`);
      for (const [line, command] of text.matchAll(/(?:npx |`)stint ([a-z]+)[^`\n]*/g)) {
        const has = known("build/stint.js", command!);
        if (has.startsWith(`Usage: stint ${command} `)) compare(line, has);
        else wrong.push(`${file}: stint ${command}`);
      }
      for (const [, line] of text.matchAll(/npm run board -- ([^`\n]*)/g))
        compare(line!, known("--import", "tsx", "tools/board.ts"));
    }
    assert.deepEqual(wrong, []);
  });

  it("have sentences of 25 words at most; a colon ends a claim", () => {
    const long = ALL.flatMap((file) =>
      paragraphs(readFileSync(file, "utf8")).flatMap((text) => text.split(ENDS))
        .filter((sentence) => words(sentence) > 25).map((sentence) => `${file}: ${sentence}`));
    assert.deepEqual(long, []);
  });

  it("whose words are counted by something that can fail", () => {
    const text = `# Head\n\n- One two\n  three: ${"word ".repeat(26)}end.\n\n| ${"word ".repeat(30)} |\n\n    code\n`;
    const found = paragraphs(text).flatMap((p) => p.split(ENDS));
    assert.deepEqual(found.map(words), [3, 27]);
    assert.equal(words("`a call of b` and [a link](to/somewhere.md) – one"), 5);
  });

  it("keep their form: README has fewer than 100 lines, and lines end at 100 columns, rows of tables at 120", () => {
    assert.ok(readFileSync("README.md", "utf8").trimEnd().split("\n").length < 100);
    for (const page of list("docs/guide")) {
      const { length } = readFileSync(page, "utf8").trimEnd().split("\n");
      assert.ok(length <= GUIDE_MOST, `${page} has ${length} lines: is it two tasks?`);
    }
    const long = NEW.flatMap((file) =>
      readFileSync(file, "utf8")
        .split("\n")
        .map((line, i) => ({ at: `${file}:${i + 1}`, line })),
    );
    for (const page of [...list("docs/design"), ...list("docs/testing")]) {
      const lines = readFileSync(page, "utf8").trimEnd().split("\n");
      assert.ok(lines.length < 120, `${page} has ${lines.length} lines`);
      // A word of the RFCs, or a number with its unit, may stand a little over the edge; rows of tables cannot be
      // broken.
      assert.deepEqual(lines.filter((line) => !/^(\||    )/.test(line) && line.length > 104), [], page);
    }
    assert.deepEqual(
      long.filter(({ line }) => line.length > (line.startsWith("|") ? 120 : 100)).map(({ at }) => at), [],
    );
  });
});

describe("departures from RFCs", () => {
  /** Clauses that comments deviate from, and a text does not name: "RFC 9293 §3.7.4". */
  const untold = (comments: string, text: string): string[] =>
    [...comments.replace(/\n\s*(\*|\/\/) /g, " ").matchAll(/Deviates from RFC (\d+) §([\d.]*\d)/g)]
      .map(([, rfc, section]) => `${rfc} §${section}`)
      .filter((clause) => !new RegExp(`\\b${clause.replaceAll(".", "\\.")}(?![.\\d]*\\d)`).test(text));
  const comments = readdirSync("assembly", { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts"))
    .map((f) => readFileSync(`assembly/${f}`, "utf8")).join("\n");

  for (const page of ["docs/design/deviations.md", "docs/rfc.md"])
    it(`are all in ${page}`, () => assert.deepEqual(untold(comments, readFileSync(page, "utf8")), []));
  it("are found by something that can fail", () => {
    assert.ok((comments.match(/Deviates from RFC/g) ?? []).length > 5);
    const words = "// Deviates from\n  // RFC 1 §2.3: x. Deviates from RFC 4 §5.";
    assert.deepEqual(untold(words, "1 §2.34, 1 §2.3.1, 4 §5: y"), ["1 §2.3"]);
  });
});

describe("docs/design/clauses.md", () => {
  /** All clauses of chapter 3. */
  const CLAUSES = `3.1 3.2 3.2.1 3.2.2 3.3 3.3.1 3.3.2 3.4 3.4.1 3.4.2 3.4.3 3.5 3.5.1 3.5.2 3.5.3 3.6 3.6.1
    3.7 3.7.1 3.7.2 3.7.3 3.7.4 3.7.5 3.8 3.8.1 3.8.2 3.8.3 3.8.4 3.8.5 3.8.6 3.8.6.1 3.8.6.2 3.8.6.2.1 3.8.6.2.2
    3.8.6.3 3.9 3.9.1 3.9.1.1 3.9.1.2 3.9.1.3 3.9.1.4 3.9.1.5 3.9.1.6 3.9.1.7 3.9.1.8 3.9.1.9 3.9.2 3.9.2.1 3.9.2.2
    3.9.2.3 3.10 3.10.1 3.10.2 3.10.3 3.10.4 3.10.5 3.10.6 3.10.7 3.10.7.1 3.10.7.2 3.10.7.3 3.10.7.4 3.10.8`;
  const rows = (text: string): string[][] =>
    [...text.matchAll(/^\| (3[.\d]*) \| ([^|]+) \| ([^|]+) \|$/gm)].map(([, clause, , where]) => [clause!, where!]);
  /** Files and functions that are named and are not there. */
  const gone = (text: string): string[] => rows(text).flatMap(([clause, where]) => {
    let file = "";
    return [...where!.matchAll(/`([^`]+)`/g)].flatMap(([, name]) => {
      if (!name!.includes(".ts")) {
        if (name!.endsWith("/")) return existsSync(`assembly/${name}`) ? [] : [`§${clause} ${name}`];
        const declared = file !== "" && new RegExp(`^(@inline )?(export )?function ${name}\\(`, "m").test(file);
        return declared ? [] : [`§${clause} ${name}`];
      }
      const path = `assembly/${name}`;
      file = existsSync(path) ? readFileSync(path, "utf8") : "";
      return file === "" ? [`§${clause} ${name}`] : [];
    });
  });
  const page = readFileSync("docs/design/clauses.md", "utf8");

  it("has each clause of RFC 9293 §3 once, in order", () =>
    assert.deepEqual(rows(page).map(([clause]) => clause), CLAUSES.split(/\s+/)));
  it("names a file or a folder for each, with functions that are there", () => {
    assert.deepEqual(gone(page), []);
    assert.deepEqual(rows(page).filter(([, where]) => !/`|as below|not done/.test(where!)), []);
  });
  it("says where rooms.md says it, too: a room has the clauses whose rows name its files", () => {
    const there = rows(page).map(([clause, where]) => ({
      clause: `§${clause}`, rooms: [...where!.matchAll(/`(tcp\/(?:\w+\/)?)(?:[\w-]+\.ts)?`/g)].map(([, room]) => room),
    }));
    const map = readFileSync("docs/design/rooms.md", "utf8");
    const told = [...map.matchAll(/^\| `(tcp\/[^`]*)` \|[^|]+\| ([^|]+) \|$/gm)];
    assert.ok(told.length >= 7);
    for (const [, room, cell] of told) {
      const runs: string[][] = [];
      for (const [i, { clause, rooms }] of there.entries()) {
        if (!rooms.includes(room)) continue;
        if (there[i - 1]?.rooms.includes(room)) runs.at(-1)!.push(clause);
        else runs.push([clause]);
      }
      const clauses = runs.map((run) => run.length > 2 ? `${run[0]} to ${run.at(-1)}` : run.join(", ")).join(", ");
      assert.equal(cell, clauses, room);
    }
  });
  it("is checked by something that can fail", () => {
    const row = (where: string): string => `| 3.1 | Header Format | ${where} |`;
    assert.deepEqual(gone(row("`wire/tcp.ts`, `tcp/gone.ts` `f`")), ["§3.1 tcp/gone.ts", "§3.1 f"]);
    assert.deepEqual(gone(row("`tcp/input.ts` `tcpInput`, `tcpOutput`; `tcp/nowhere/`")), [
      "§3.1 tcpOutput", "§3.1 tcp/nowhere/",
    ]);
  });
});
