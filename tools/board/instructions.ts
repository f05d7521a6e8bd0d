/** What the stack costs on a board, in instructions. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ToolError } from "../translate/error.mjs";
import { DEFAULT_RUNTIME } from "./runtimes.js";
import { buildFirmware, run } from "./firmware.js";

/** How the module becomes code; `unchecked`: C without bounds checks. */
interface Code { runtime: string; layout: "built" | "boot"; unchecked?: boolean }

/** Instructions per work, as QEMU counts them: repeatable to the last one. Guarded by boards/instructions.json. */
function countInstructions(name: string, { runtime, layout, unchecked = false }: Code): Record<string, number> {
  const dir = mkdtempSync(join(tmpdir(), "stint-bench-"));
  const built = buildFirmware(name, {
    unchecked, runtime, layout, bench: true, debug: true, seed: 1, ip: "10.0.0.2/24", services: ["echo", "discard"],
    out: dir,
  });
  const { board } = built;
  if (board.qemu === undefined || board.nsPerTick === undefined)
    throw new ToolError(`${name} has no counter of instructions`);
  // An instruction takes 2^6 ns of virtual time, and the board counts ticks of that.
  const out = run(board.qemu[0]!, [
    ...board.qemu.slice(1), "-icount", "shift=6", "-nographic", "-monitor", "none", "-serial", "stdio",
    "-semihosting-config", "enable=on,target=native", "-kernel", built.elf,
  ]);
  rmSync(dir, { recursive: true });
  const counts: Record<string, number> = {};
  for (const [, what, ticks, n] of out.matchAll(/^bench (\w+) (\d+) (\d+)/gm))
    counts[what!] = Math.round((Number(ticks) * board.nsPerTick) / 64 / Number(n));
  return counts;
}

const INSTRUCTIONS = "boards/instructions.json";
/** More than that over the committed figure is a mistake, or a decision (--write). */
const GROWTH_MAX = 1.03;

type Counts = Record<string, Record<string, number>>;
const WORKS: Record<string, string> = {
  handshake: "a handshake (SYN, SYN-ACK, ACK)", received: "a segment of 1460 bytes received",
  sent: "a segment of 1460 bytes sent",
};

/**
 * Counts, prints the table, and returns whether nothing grew by more than that. `write`: the counts become the
 * committed ones. Beside them stands what C without bounds checks takes, or for an interpreter, C with them.
 */
export function benchInstructions(
  name: string, write: boolean, { runtime = DEFAULT_RUNTIME, layout = "built" }: Partial<Code>,
): boolean {
  const isC = runtime === DEFAULT_RUNTIME;
  const key = [name, ...(isC ? [] : [runtime]), ...(layout === "built" ? [] : [layout])].join(" ");
  const counts = countInstructions(name, { runtime, layout });
  const other = countInstructions(name, { runtime: DEFAULT_RUNTIME, layout, unchecked: isC });
  const table: Counts =
    existsSync(INSTRUCTIONS) ? JSON.parse(readFileSync(INSTRUCTIONS, "utf8")) as Counts : {};
  let ok = true;
  const beside = isC ? "without bounds checks" : "ahead of time";
  console.log(`${`${key}: instructions for`.padEnd(36)}now  committed  ${beside}`);
  for (const [what, n] of Object.entries(counts)) {
    const had = table[key]?.[what], grown = had !== undefined && n > had * GROWTH_MAX;
    if (grown && !write) ok = false;
    const times = `${(n / other[what]!).toFixed(2)} × of ${other[what]}${grown ? "  GREW" : ""}`;
    const label = (WORKS[what] ?? what).padEnd(32);
    console.log(`  ${label} ${String(n).padStart(6)} ${String(had ?? "–").padStart(9)}  ${times}`);
  }
  if (write) {
    table[key] = counts;
    writeFileSync(INSTRUCTIONS, `${JSON.stringify(table, null, 2)}\n`);
  }
  return ok && Object.keys(counts).length === 3;
}
