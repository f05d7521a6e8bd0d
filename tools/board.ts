/**
 * `npm run board -- NAME`: firmware for a board, from the module. Builds build/boards/NAME/firmware.elf (and .bin) and
 * prints what it takes; with --run boots it in QEMU, or runs it here (posix), on a link.
 */
import { Command, CommanderError, Option, InvalidArgumentError } from "commander";
import { address, cidr, hostName, mac, parseCount } from "../host/cli/arguments.js";
import { macFor } from "../host/cli/own-address.js";
import { LinkError } from "../host/links/link.js";
import { SERVICES, type ServiceName } from "../host/services.js";
import { boot } from "./board/boot.js";
import { boardNames, buildFirmware, type FirmwareOptions } from "./board/firmware.js";
import { flashByFile } from "./board/flash-map.js";
import { benchInstructions } from "./board/instructions.js";
import { runtimeNames } from "./board/runtimes.js";
import { ToolError } from "./translate/error.mjs";

interface Options extends Omit<FirmwareOptions, "bench" | "unchecked" | "hostName"> {
  name?: string;
  release?: boolean;
  /** Count instructions in place of building; make the counts the committed ones. */
  bench?: boolean;
  write?: boolean;
  /** Show where the flash goes. */
  map?: boolean;
  json?: boolean;
  run?: boolean;
  link?: string;
}

function parseServices(text: string): ServiceName[] {
  const list = text.split(",");
  for (const s of list)
    if (!(s in SERVICES))
      throw new InvalidArgumentError(`"${s}" is no service; there are ${Object.keys(SERVICES).join(", ")}.`);
  return [...new Set(list)] as ServiceName[];
}

/** What does not go together. */
function check({ release, debug, seed, ip, gateway, name, app, ipv6, layout, bench }: Options): void {
  if (release && debug) throw new ToolError("--release and --debug exclude each other");
  if (seed !== undefined && !debug)
    throw new ToolError("a fixed seed makes a stack that anybody can predict: --seed needs --debug");
  if (ip === undefined && gateway !== undefined) throw new ToolError("--gateway needs --ip");
  if (ip !== undefined && name !== undefined) throw new ToolError("--name is for a device without --ip");
  if (ipv6 && app !== undefined) throw new ToolError("--ipv6 is for the services; an application begins it itself");
  if (layout !== undefined && app !== undefined)
    throw new ToolError("--layout is for the services; an application is laid out at its start");
  if (bench && app !== undefined) throw new ToolError("--bench counts what the services take: it has no --app");
  if (ip === undefined && app !== undefined) throw new ToolError("--app needs --ip: it has no DHCP");
}

/** What can be asked for. */
function command(): Command {
  return new Command("npm run board --")
    .description("firmware for a board, from the module")
    .argument("<name>", `one of ${boardNames().join(", ")}`)
    .option("--release", "for the field (the default)")
    .option("--debug", "with faults on demand (/debug/corrupt, /debug/overflow, /debug/hang over HTTP)")
    .option("--seed <n>", "with --debug: a fixed seed in place of entropy, to replay a run", parseCount)
    .option("--ip <a.b.c.d/n>", "own address and prefix; without it, the network is asked for one (DHCP)", cidr)
    .option("--name <name>", "without --ip: the name to tell the DHCP server", hostName)
    .option("--mac <address>", "own MAC address; by default made from --ip, or from this machine's name", mac)
    .option("--gateway <a.b.c.d>", "default router", address)
    .option("--ipv6", "IPv6 beside IPv4: a link-local address, and others when a router tells a prefix (SLAAC)")
    .option("--services <list>", "echo, discard, chargen, http", parseServices, ["echo", "discard", "chargen", "http"])
    .addOption(
      new Option("--layout <when>", "lay the memory out when the firmware is built, or at its start").choices(
        ["built", "boot"],
      ),
    )
    .addOption(
      new Option("--runtime <name>", "what executes the module on the board: a folder of boards/runtimes").choices(
        runtimeNames(),
      ),
    )
    .option("--app <linked.wasm>", "an application with the stack inside (stint link) in place of the services")
    .option("--connections <n>", "connections at a time", parseCount)
    .option("--ring <bytes>", "send and receive ring of each connection", parseCount)
    .option(
      "--bench",
      "count instructions in QEMU, with and without bounds checks, and compare them with boards/instructions.json",
    )
    .option("--write", "with --bench: make the counts the committed ones")
    .option("--sanitize", "posix alone: with the address and undefined behaviour sanitizers")
    .option("--map", "show where the flash goes, by source file")
    .option("--json", "print one JSON object")
    .option("--run", "boot it in QEMU, or run it here (posix)")
    .option("--link <link>", "with --run: tap:NAME, stream:PATH or passt")
    .option("--out <dir>", "where the build goes; by default build/boards/NAME")
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`board: ${text.replace(/^error: /, "")}`) });
}

async function main(): Promise<void> {
  const program = command();
  try {
    program.parse();
    const options = program.opts<Options>(), name = program.args[0]!;
    check(options);
    if (options.bench) {
      if (!benchInstructions(name, options.write ?? false, options)) process.exitCode = 1;
      return;
    }
    const asking = options.ip === undefined ? { mac: options.mac ?? macFor(name), hostName: options.name } : {};
    const built = buildFirmware(name, { ...options, ...asking }), { report } = built;
    if (options.json) console.log(JSON.stringify(report));
    else if (!options.run) {
      console.log(
        `${name} (${built.board.title}): ${options.services.join(", ")}; `
          + `${options.connections ?? built.board.connections} connections`,
      );
      console.log(`  flash            ${String(report.flash_bytes).padStart(8)} bytes`);
      console.log(`  RAM              ${String(report.ram_bytes).padStart(8)} bytes, of which`);
      console.log(`    linear memory  ${String(report.linear_bytes).padStart(8)}`);
      console.log(`    C stack        ${String(report.stack_bytes).padStart(8)}`);
      console.log(`  a connection     ${String(report.bytes_per_connection).padStart(8)} bytes`);
      if (options.map)
        for (const [file, n] of flashByFile(built.board, built.elf))
          console.log(`    ${file.padEnd(40)} ${String(n).padStart(6)}`);
      console.log(`in ${built.elf}`);
    }
    if (options.run) process.exitCode = await boot(built, options);
  } catch (e) {
    if (e instanceof CommanderError) process.exitCode = e.exitCode === 0 ? 0 : 2;
    else if (e instanceof ToolError || e instanceof LinkError || e instanceof RangeError) {
      console.error(`board: ${e.message}`);
      process.exitCode = 2;
    } else throw e;
  }
}

await main();
