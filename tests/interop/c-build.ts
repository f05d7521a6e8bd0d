/**
 * C programs that nobody here wrote, from the sources that tools/c-programs.sh unpacks: how each is compiled over
 * host/bsd, unchanged, with flags alone. What was compiled before from the same text is not compiled again.
 */
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { cache, hashOf, kept, library } from "../harness/kept.js";
import { completed } from "../harness/programs.js";

/** Where tools/setup.sh has them unpacked. */
export const sources = join(cache, "c-programs-1"), mbedtls = join(cache, "mbedtls-3.6.6");
/** Over the stack, natively or under WASI; or over the kernel's sockets, for a peer of the same kind. */
export type Over = "stint" | "wasi" | "kernel";

interface Recipe {
  /** Files below the folder of the sources, and flags with which they are compiled. */
  files(): string[];
  flags: string[];
  /** What of this repository is compiled with them: files, and headers. */
  own?: { files: string[]; headers: string[] };
  libraries?: string[];
  /** Under WASI: what its C library asks for. */
  wasi?: { flags: string[]; libraries: string[] };
}

/** The C files of a folder, but for those that match. */
const all = (folder: string, except = /^$/): string[] =>
  readdirSync(join(sources, folder)).filter((f) => f.endsWith(".c") && !except.test(f)).map((f) => join(folder, f));
const LIBRARY = join("..", basename(mbedtls), "library");
const of = (folder: string, names: string): string[] => names.split(" ").map((name) => join(folder, `${name}.c`));
const include = (...folders: string[]): string[] => folders.map((f) => `-I${join(sources, f)}`);

const mosquitto = (client: string): Recipe => ({
  files: () => [...all("mosquitto/lib", /alias|ocsp/), ...of("mosquitto/client", client)],
  flags: ['-DVERSION="2.0.11"', ...include(...["", "include", "lib", "deps"].map((f) => join("mosquitto", f)))],
  wasi: { flags: ["-D_WASI_EMULATED_SIGNAL"], libraries: ["-lwasi-emulated-signal", "-lwasi-emulated-getpid"] },
});
/** An example, with Mbed TLS. */
const secure = (name: string, ...flags: string[]): Recipe => ({
  files: () => readdirSync(join(mbedtls, "library")).filter((f) => f.endsWith(".c")).map((f) => join(LIBRARY, f)),
  flags: [
    `-Iexamples/${name}`, ...["include", "library"].map((f) => `-I${join(mbedtls, f)}`),
    '-DMBEDTLS_CONFIG_FILE="tls-config.h"', ...flags,
  ],
  own: { files: [`examples/${name}/${name}.c`], headers: [`examples/${name}/tls-config.h`] },
  wasi: { flags: [], libraries: [] },
});
const CURL = ["-DHAVE_CONFIG_H", "-DCURL_STATICLIB", ...include("curl/include", "curl/lib", "curl/src")];

const RECIPES = {
  netcat: { files: () => of("netcat", "netcat"), flags: ["-DLINUX", "-Dres_init=__res_init"] },
  hiredis: {
    files: () => of("hiredis", "hiredis net read sds alloc examples/example"), flags: include("hiredis"),
    wasi: { flags: [], libraries: [] },
  },
  "fileserver": {
    files: () => [
      ...all("libmicrohttpd/src/microhttpd", /^test_|https|gnutls|tsearch|sysfdset/),
      ...of("libmicrohttpd/src/examples", "fileserver_example_external_select"),
    ],
    flags: include("libmicrohttpd", "libmicrohttpd/src/include", "libmicrohttpd/src/microhttpd"),
    libraries: ["-lpthread"],
  },
  lua: {
    files: () => [
      ...all("lua5.4/src", /^luac\.c$/),
      ...of("lua-socket/src", "luasocket timeout buffer io auxiliar options inet usocket except select tcp udp"),
      ...of("lua-socket/src", "mime compat"),
    ],
    flags: ["-DLUA_USE_POSIX", "-DLUA_USE_DLOPEN", ...include("lua5.4/src")], libraries: ["-Wl,-E", "-lm", "-ldl"],
  },
  mosquitto_pub: mosquitto("pub_client pub_shared client_shared client_props"),
  mosquitto_sub: mosquitto("sub_client sub_client_output client_shared client_props"),
  "redis-cli": {
    files: () => [
      ...of("redis/src", "anet adlist dict redis-cli zmalloc release ae redisassert crcspeed crc64 siphash crc16"),
      ...of("redis/src", "monotonic cli_common mt19937-64"), ...of("redis/deps/linenoise", "linenoise"),
      ...of("redis/deps/hiredis", "hiredis net read sds alloc sockcompat async"),
    ],
    flags: [
      "-DREDIS_STATIC=",
      ...include(...["hiredis", "linenoise", "hdr_histogram", "lua/src"].map((f) => join("redis/deps", f))),
    ],
    libraries: ["-lm", "-ldl", "-lpthread"],
  },
  iperf3: { files: () => all("iperf3/src", /^t_/), flags: include("iperf3/src"), libraries: ["-lm"] },
  curl: {
    files: () => [
      ...["lib", "lib/vauth", "lib/vquic", "lib/vssh", "lib/vtls", "src"].flatMap((f) => all(join("curl", f))),
      // The command has a copy of this one.
      "curl/src/../lib/dynbuf.c",
    ],
    flags: CURL,
  },
  "https-get": secure("https-get"),
  "https-get-small": secure("https-get", "-DTLS_SMALL"),
} satisfies Record<string, Recipe>;
export type Name = keyof typeof RECIPES;

const LAYER = [...readdirSync("host/bsd").filter((f) => f.endsWith(".c")).map((f) => join("host/bsd", f)),
  "host/posix/host.c"];
const SOCKETS = ["-DSTINT_SOCKETS", "-DSTINT_IPV6", "-Iinclude/bsd", "-Iinclude"];
const COMPILER: Record<Over, string[]> = {
  stint: ["gcc", "-O1", ...SOCKETS],
  kernel: ["gcc", "-O1"],
  wasi: ["clang", "--target=wasm32-wasi", "-O1", "-mbulk-memory", "-ftls-model=local-exec", ...SOCKETS],
};

/** Compiles files into a folder, as many at a time as there are processors. Returns the objects. */
async function objects(
  folder: string, compiler: readonly string[], files: readonly (readonly string[])[],
): Promise<void> {
  const queue = [...files.entries()];
  await Promise.all(Array.from({ length: availableParallelism() }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [i, [file = "", ...flags]] = next, out = join(folder, `${i}-${basename(file, ".c")}.o`);
      await completed(compiler[0]!, [...compiler.slice(1), ...flags, "-c", file, "-o", out]);
    }
  }));
}

const inside = (folder: string): string[] => readdirSync(folder).sort().map((f) => join(folder, f));

/** A program, compiled into `folder`. Returns where it is. */
export async function build(name: Name, over: Over, folder: string): Promise<string> {
  const recipe: Recipe = RECIPES[name], compiler = [...COMPILER[over], "-w"], out = join(folder, `${name}-${over}`);
  const flags = [...recipe.flags, ...(over === "wasi" ? recipe.wasi!.flags : [])];
  const { own = { files: [], headers: [] } } = recipe;
  // By the name that the recipe has for it: curl's command has a copy of one of the library's.
  const files = [
    ...own.files.map((file) => [file, ...flags]),
    ...recipe.files().map((file) => [
      join(sources, file), ...flags, ...(file.startsWith("curl/lib/") ? ["-DBUILDING_LIBCURL"] : []),
    ]),
  ];
  const headers = [...over === "kernel" ? [] : ["include/bsd"], ...own.headers];
  const key = hashOf([...headers, ...files.map(([file]) => file!)], ...compiler, JSON.stringify(files));
  const program = inside(await kept(`${name}-${over}-${key}`, (at) => objects(at, compiler, files)));
  if (over === "kernel") {
    await completed("gcc", [...program, ...recipe.libraries ?? [], "-o", out]);
    return out;
  }
  const layer = inside(await kept(
    `layer-${over}-${hashOf(["host/bsd", "host/posix", "include"], ...COMPILER[over])}`,
    (at) => objects(at, COMPILER[over], LAYER.map((file) => [file])),
  ));
  if (over === "stint") {
    await completed("gcc", [...program, ...layer, library(), ...recipe.libraries ?? [], "-o", out]);
    return out;
  }
  const { libraries } = recipe.wasi!, wasm = `${out}.wasm`;
  await completed("clang", [...COMPILER.wasi.slice(1), ...program, ...layer, ...libraries, "-o", wasm]);
  await completed(process.execPath, ["build/stint.js", "link", "--dynamic", "--fast", wasm, "-o", out]);
  return out;
}
