/**
 * lwIP as a peer: from its sources (which a crate carries, lwip/Cargo.toml), natively and as Wasm, and as Debian builds
 * it.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { succeeded } from "../harness/programs.js";

const DRIVER = "tests/bench/driver", HERE = "tests/bench/lwip", DIR = "build/bench";
const SOURCES = [join(DRIVER, "driver.c"), join(DRIVER, "lwip.c")];
const OPTIMIZED = ["-O3", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-type-limits", `-I${DRIVER}`];
const SIDES = ["a", "b"];
const run = (program: string, ...args: string[]): string => succeeded(program, args, { timeout: 600_000 });

/** Flags that find lwIP's sources; cargo fetches the crate where it is not there. */
function sources(): string[] {
  const said = run(
    "cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", join(HERE, "Cargo.toml"),
  );
  const { packages } = JSON.parse(said) as { packages: { name: string; manifest_path: string }[] };
  const from = join(dirname(packages.find((p) => p.name === "lwip")!.manifest_path), "src");
  return [`-I${HERE}`, `-I${from}`, `-I${from}/include`];
}

/** Natively, twice in one program: each in one unit, of which a compiler sees the whole. */
export function lwipNative(): string[] {
  const out = join(DIR, "lwip"), flags = [...OPTIMIZED, "-march=native", "-mno-avx512f", ...sources()];
  const both = SIDES.map((side) => {
    const object = join(DIR, `lwip-${side}.o`);
    run(
      "gcc", ...flags, "-fwhole-program", `-DLWIP_LIB=${side}_lwip_lib`, "-c", join(DRIVER, "lwip-source.c"), "-o",
      object,
    );
    return object;
  });
  run("gcc", ...flags, "-DLWIP_SOURCE", ...SOURCES, ...both, "-o", out);
  return [out];
}

/** The same as one module for WASI. A header puts a_ and b_ in front of its names: objcopy cannot rename in Wasm. */
export function lwipWasm(): string {
  const found = sources(), names = join(DIR, "lwip-names.o"), module = join(DIR, "lwip.wasm");
  const flags = ["--target=wasm32-wasi", ...OPTIMIZED, "-msimd128", "-mbulk-memory", "-flto", ...found];
  run("gcc", ...OPTIMIZED, ...found, "-DLWIP_LIB=lwip_lib", "-c", join(DRIVER, "lwip-source.c"), "-o", names);
  const defined = run("nm", "-g", "--defined-only", names).trim().split("\n").map((line) => line.split(" ")[2]!);
  const both = SIDES.map((side) => {
    const header = join(DIR, `lwip-${side}.h`), object = join(DIR, `lwip-${side}.wasm.o`);
    writeFileSync(header, defined.map((name) => `#define ${name} ${side}_${name}\n`).join(""));
    run(
      "clang", ...flags, "-include", "lwip/def.h", "-include", header, "-DLWIP_LIB=lwip_lib", "-c",
      join(DRIVER, "lwip-source.c"), "-o", object,
    );
    return object;
  });
  run("clang", ...flags, "-DLWIP_SOURCE", ...SOURCES, ...both, "-o", module);
  return module;
}

/** As Debian builds it. */
export function lwipDebian(): string[] {
  const out = join(DIR, "lwip-debian");
  let flags: string[];
  try {
    flags = run("pkg-config", "--cflags", "lwip").trim().split(/\s+/).filter(Boolean);
  } catch {
    throw new Error("lwIP missing; apt-get install liblwip-dev pkg-config");
  }
  run("gcc", ...OPTIMIZED, ...flags, ...SOURCES, "-ldl", "-o", out);
  return [out];
}

/** What lwIP is configured with, for the report. */
export function lwipConfigurations(): Record<string, string> {
  const said = (path: string, names: string[]): string => {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    return names.map((n) => `${n} ${new RegExp(`define ${n}\\s+(\\S+)`).exec(text)?.[1] ?? "?"}`).join(", ");
  };
  const both = ["TCP_MSS", "TCP_WND", "TCP_SND_BUF", "LWIP_CHECKSUM_ON_COPY", "LWIP_NETIF_TX_SINGLE_PBUF"];
  const own = ["MEM_LIBC_MALLOC", "LWIP_NOASSERT", "LWIP_STATS", "LWIP_UDP", "IP_REASSEMBLY", "LWIP_SINGLE_NETIF"];
  return {
    lwip: "2.2.1 from source, raw API, one unit, -O3 -march=native without AVX-512 (valgrind has none) "
      + "-fwhole-program (v8: clang -O3 -flto, SIMD, wasm-opt -O3), sums by vectors, frames from a pool, "
      + `${said(join(HERE, "lwipopts.h"), [...both, ...own])}; no SACK, no timestamps, no window scaling`,
    "lwip-debian": `liblwip of the distribution, -O2, PBUF_RAM, ${said("/usr/include/lwip/lwipopts.h", both)}`,
  };
}
