/** `stint packetdrill`: scripts in the packetdrill format against the module, in virtual time. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Option, type Command } from "commander";
import { parse, SyntaxError } from "../packetdrill/parse.js";
import { Runner, type How, type Outcome } from "../packetdrill/run.js";
import { VERSIONS, type Version } from "../packetdrill/version.js";

interface Options {
  json?: boolean;
  pcap?: string;
  define: string[];
  verbose?: boolean;
  dialect?: "linux" | "freebsd";
  ip_version?: Version;
  ignorePsh?: boolean;
}

/** The scripts below a folder, or the file itself. */
function scripts(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new RangeError(`there is no file ${path}`);
  if (!stat.isDirectory()) return [path];
  return readdirSync(path).sort().flatMap((name) => {
    const full = join(path, name);
    return statSync(full).isDirectory() || name.endsWith(".pkt") ? scripts(full) : [];
  });
}

/** Runs one script from its text. */
export function runScript(file: string, defines: Set<string>, how: How = {}): Outcome {
  try {
    return new Runner(parse(readFileSync(file, "utf8"), file, defines), how).run();
  } catch (e) {
    if (!(e instanceof SyntaxError)) throw e;
    return { file, result: "failed", line: e.line, expected: "a script", got: `syntax error: ${e.message}` };
  }
}

const DIALECT_HELP = "whose defaults scripts assume, if their words do not tell";
const VERSION_HELP = "over which IP, whatever scripts say; those for IPv4 have a link 20 bytes wider over IPv6";
const addName = (name: string, all: string[]): string[] => [...all, name];

/** `stint packetdrill`: exit code 1 if a script failed; those that ask for too much are counted apart. */
export function addPacketdrill(program: Command): void {
  program
    .command("packetdrill")
    .description("run scripts in the packetdrill format against the module, in virtual time")
    .argument("<file...>", "scripts, or folders of them")
    .option("--json", "print one JSON object")
    .option("--pcap <file>", "write the packets of a single script to a pcapng file")
    .option("-D, --define <name>", "take a branch of #ifdef", addName, ["STANDARD"])
    .addOption(new Option("--dialect <name>", DIALECT_HELP).choices(["linux", "freebsd"]))
    .addOption(new Option("--ip_version <name>", VERSION_HELP).choices(VERSIONS))
    .option("--ignore-psh", "leave PSH out of the comparison; the output says so")
    .option("--verbose", "name the scripts that pass, too")
    .action((paths: string[], options: Options) => {
      const files = paths.flatMap(scripts);
      if (options.pcap !== undefined && files.length !== 1) throw new RangeError("--pcap takes one script at a time");
      const how: How = { ignorePush: options.ignorePsh ?? false };
      if (options.pcap !== undefined) how.pcap = options.pcap;
      if (options.dialect !== undefined) how.dialect = options.dialect;
      if (options.ip_version !== undefined) how.version = options.ip_version;
      const outcomes = files.map((file) => runScript(file, new Set(options.define), how));
      const ignored = how.ignorePush ? ["PSH"] : [];
      const count = (result: Outcome["result"]): number => outcomes.filter((o) => o.result === result).length;
      const [passed, failed, unsupported] = [count("passed"), count("failed"), count("unsupported")];
      if (options.json) {
        const list = outcomes.map(({ file, result, line, expected, got }) => ({
          file, result, line: line ?? null, expected: expected ?? null, got: got ?? null,
        }));
        console.log(JSON.stringify({ total: files.length, passed, failed, unsupported, ignored, scripts: list }));
      } else {
        for (const o of outcomes) report(o, options.verbose ?? false);
        console.log(
          `${files.length} scripts: ${passed} passed, ${failed} failed, ${unsupported} `
            + `unsupported${ignored.length > 0 ? `; ${ignored.join(", ")} was not compared` : ""}`,
        );
      }
      if (failed > 0) process.exitCode = 1;
    });
}

function report(o: Outcome, verbose: boolean): void {
  if (o.result === "passed") {
    if (verbose) console.log(`passed       ${o.file}`);
  } else if (o.result === "unsupported") {
    console.log(`unsupported  ${o.file}: ${o.got}`);
  } else {
    console.log(
      `FAILED       ${o.file}:${o.line}\n             expected: ${o.expected}\n             but:      ${o.got}`,
    );
    for (const p of o.packets ?? []) console.log(`               ${p}`);
  }
}
