/** What documents name: paths and words between backticks, scripts with their options; and what is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const FOLDERS = ["assembly", "boards", "examples", "host", "include", "tests", "tools"];
/** What is compared with documents cannot stand for the sources. */
const OWN = ["tests/host/docs.test.ts", "tests/harness/documents.ts"];

/** What others call so: the kernel, WASI, npm, programs. */
const THEIRS = new Set([
  "CAP_BPF", "CAP_NET_ADMIN", "PACKET_VNET_HDR", "TUNSETSTEERINGEBPF", "bugs", "fdopen", "homepage", "mosquitto_pub",
  "mosquitto_sub", "recvmmsg", "relay_url", "sendfile", "sendmmsg", "tcp_limit_output_bytes", "tcp_min_tso_segs",
  "tcp_tso_win_divisor", "components/", "libraries/", "config.h", "stdio.h",
]);

export interface Sources {
  /** Every file and folder, by the ends of its path: "tcp/input.ts", "input.ts". */
  ends: ReadonlySet<string>;
  /** Every word. */
  words: ReadonlySet<string>;
}

/** The sources, without documents. */
export function sources(): Sources {
  const ends = new Set<string>(), words = new Set<string>();
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).filter((f) => f.isFile())
      .map((f) => join(f.parentPath, f.name)));
  for (const file of [...files, "package.json", "asconfig.json", "tsconfig.json", ".ci/run"]) {
    const parts = file.split("/");
    for (let to = 1; to <= parts.length; to++)
      for (let from = 0; from < to; from++) ends.add(parts.slice(from, to).join("/"));
    if (OWN.includes(file) || /\.(md|png|wasm|pcapng|pcap)$/.test(file) || file.includes("/corpus/")) continue;
    for (const [word] of readFileSync(file, "utf8").matchAll(/[A-Za-z_]\w*/g)) words.add(word);
  }
  return { ends, words };
}

/** Ways into the package: "stint/net". */
const ways = (): string[] => {
  const { name, exports } = JSON.parse(readFileSync("package.json", "utf8")) as { name: string; exports: object };
  return Object.keys(exports).map((way) => join(name, way));
};

/** Paths and words between backticks in a document's text that are nowhere in the sources. */
export function gone(text: string, { ends, words }: Sources): string[] {
  const known = ways();
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!).filter((code) => {
    if (THEIRS.has(code)) return false;
    const isPath = /^[A-Za-z.][\w.-]*(\/[\w.-]+)+\/?$/.test(code) || /^[\w-]+\.(ts|mjs|c|h|json|sh|md|tsv)$/.test(code);
    if (isPath) {
      const path = code.replace(/\/$/, "").replace(/^(\.\.\/)+/, "");
      return !code.startsWith("build/") && !ends.has(path) && !known.includes(code) && !existsSync(path);
    }
    if (!/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(\))?$/.test(code)) return false;
    return !code.replace("()", "").split(".").every((word) => words.has(word));
  });
}

/** Options of `npm run SCRIPT -- …` in a document's text that the script's folder never names: "fuzz --frames". */
export function strangeOptions(text: string, scripts: Readonly<Record<string, string>>): string[] {
  return [...text.matchAll(/npm run ([a-z]+) (?:\[?-- )([^`]*)`/g)].flatMap(([, script, given]) => {
    const command = /^node build\/stint\.js ([a-z]+)$/.exec(scripts[script!] ?? "")?.[1];
    const path = command === undefined
      ? /\b((?:tests|tools)\/[\w/.-]+)/.exec(scripts[script!] ?? "")?.[1]
      : `host/cli/${command}.ts`;
    if (path === undefined) return [`npm run ${script}`];
    const folder = dirname(path), own = path.startsWith("tests/");
    const files = own ? readdirSync(folder).filter((f) => f.endsWith(".ts")).map((f) => join(folder, f)) : [path];
    const there = files.map((f) => readFileSync(f, "utf8")).join("\n");
    return (given!.match(/--[a-z][a-z0-9-]*/g) ?? [])
      .filter((option) => !new RegExp(`\\b${option.slice(2)}\\b`).test(there)).map((option) => `${script} ${option}`);
  });
}

/** Rows of all tables of a document: cells without their marks. */
export function rows(text: string): string[][] {
  return text.split("\n").filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.replaceAll("`", "").trim()));
}

/** The numbers of a row's cells behind the first: "1,024" is 1024. */
export const numbers = (row: readonly string[]): number[] =>
  row.slice(1).filter((cell) => /^[\d,.]+$/.test(cell)).map((cell) => Number(cell.replaceAll(",", "")));
