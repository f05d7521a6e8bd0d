/**
 * `node --import tsx tests/bench/tls.ts`: what TLS costs examples/https-get, with nginx on this machine. It prints
 * bytes of a Cortex-M3's flash and of the heap, and the fuel that wasmtime burns: operators of Wasm, to 1 %, for the
 * whole program, the stack included. It needs what tests/interop/tls.test.ts needs, valgrind and arm-none-eabi-gcc.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completed, succeeded } from "../harness/programs.js";
import { build, mbedtls, type Name } from "../interop/c-build.js";
import { Authority } from "../interop/certificates.js";
import { HOST, Running, underWasmtime } from "../interop/over-nat.js";
import { Recipes, Server } from "../interop/servers.js";

const scratch = mkdtempSync(join(tmpdir(), "stint-tls-"));
const CASES: [what: string, program: Name, options: string[], name: string][] = [
  ["TLS 1.3, ECDSA", "https-get", [], "stint.test"],
  ["TLS 1.3, RSA", "https-get", [], "rsa.test"],
  ["TLS 1.2, ECDSA", "https-get", ["-2"], "stint.test"],
  ["TLS_SMALL", "https-get-small", [], "stint.test"],
];

/** The least fuel with which the program comes to its end, to 1 %. */
async function fuel(at: string, args: readonly string[]): Promise<number> {
  const suffices = async (most: number): Promise<boolean> => {
    const running = new Running(underWasmtime(at, args, ["--dir", ".", "-W", `fuel=${Math.round(most)}`]), {
      pipes: true, cwd: scratch,
    });
    if (await running.ended() === 0) return true;
    if (!running.err.includes("fuel")) throw new Error(running.err);
    return false;
  };
  let most = 1e6, least = 0;
  while (!await suffices(most)) [least, most] = [most, 2 * most];
  while (most - least > most / 100) {
    const middle = (least + most) / 2;
    if (await suffices(middle)) most = middle;
    else least = middle;
  }
  return most;
}

/** The most that lay on the heap at once, natively. */
async function heap(program: string, args: readonly string[]): Promise<number> {
  const out = join(scratch, "massif");
  await completed("valgrind", ["--tool=massif", "--peak-inaccuracy=0.0", `--massif-out-file=${out}`, program, ...args]);
  return Math.max(...[...readFileSync(out, "utf8").matchAll(/^mem_heap_B=(\d+)$/gm)].map(([, n]) => Number(n)));
}

/** What of the library a client calls, in a Cortex-M3's flash and its variables. */
function flash(...flags: string[]): string {
  const source = join(scratch, "probe.c"), out = join(scratch, "probe.elf");
  writeFileSync(source, `
    #include <mbedtls/ssl.h>
    #include <psa/crypto.h>
    mbedtls_ssl_context tls; mbedtls_ssl_config config; mbedtls_x509_crt roots; mbedtls_ssl_session session;
    int send_(void *p, const unsigned char *data, size_t size) { (void)p; (void)data; return (int)size; }
    int recv_(void *p, unsigned char *data, size_t size) { (void)p; (void)data; return (int)size; }
    int rng(void *p, unsigned char *data, size_t size) { (void)p; (void)data; (void)size; return 0; }
    mbedtls_ms_time_t mbedtls_ms_time(void) { return 0; }
    int _gettimeofday(void *a, void *b) { (void)a; (void)b; return 0; }
    #ifdef MBEDTLS_PSA_CRYPTO_C
    psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *c, uint8_t *to, size_t size,
                                                 size_t *got) { (void)c; (void)to; *got = size; return 0; }
    #endif
    int main(void) {
    #ifdef MBEDTLS_PSA_CRYPTO_C
      psa_crypto_init();
    #endif
      mbedtls_ssl_config_defaults(&config, 0, 0, 0);
      mbedtls_ssl_conf_rng(&config, rng, 0);
      mbedtls_x509_crt_parse(&roots, (const unsigned char *)"", 1);
      mbedtls_ssl_conf_ca_chain(&config, &roots, 0);
      mbedtls_ssl_setup(&tls, &config);
      mbedtls_ssl_set_hostname(&tls, "a");
      mbedtls_ssl_set_bio(&tls, 0, send_, recv_, 0);
      mbedtls_ssl_handshake(&tls);
      mbedtls_ssl_get_session(&tls, &session);
      mbedtls_ssl_set_session(&tls, &session);
      unsigned char b[8];
      return mbedtls_ssl_read(&tls, b, 8) + mbedtls_ssl_write(&tls, b, 8) + mbedtls_ssl_close_notify(&tls);
    }`);
  const library = readdirSync(join(mbedtls, "library")).filter((f) => f.endsWith(".c"));
  succeeded("arm-none-eabi-gcc", [
    "-mcpu=cortex-m3", "-mthumb", "-Os", "-w", "-ffunction-sections", "-fdata-sections", "--specs=nano.specs",
    "--specs=nosys.specs", "-Wl,--gc-sections", ...flags, "-Iexamples/https-get", `-I${join(mbedtls, "include")}`,
    `-I${join(mbedtls, "library")}`, '-DMBEDTLS_CONFIG_FILE="tls-config.h"', source,
    ...library.map((f) => join(mbedtls, "library", f)), "-o", out,
  ]);
  const [text, data, bss] = succeeded("arm-none-eabi-size", [out]).split("\n")[1]!.trim().split(/\s+/);
  return `${Number(text) + Number(data)} bytes of flash, ${Number(data) + Number(bss)} of variables`;
}

const authority = new Authority(scratch, "authority"), server = new Server(new Recipes(scratch).nginx(
  { ...authority.issue("stint.test"), name: "stint.test" },
  { ...authority.issue("rsa.test", { rsa: true }), name: "rsa.test" },
));
try {
  const { port } = await server.start(), millions = (n: number): string => `${(n / 1e6).toFixed(1)} million`;
  console.log(`Cortex-M3, all: ${flash()}`);
  console.log(`Cortex-M3, TLS_SMALL: ${flash("-DTLS_SMALL")}`);
  for (const [what, name, options, host] of CASES) {
    const at = await build(name, "wasi", scratch), url = `https://${host}:${port}/hello`;
    const args = (n: number, to: string): string[] => [
      "-c", authority.cert, "-a", to, ...options, "-n", `${n}`, url,
    ];
    const relative = (n: number): string[] => args(n, HOST).map((a) => a === authority.cert ? "authority.pem" : a);
    const once = await fuel(at, relative(1)), twice = await fuel(at, relative(2));
    const most = await heap(await build(name, "kernel", scratch), args(1, "127.0.0.1"));
    console.log(
      `${what}: ${millions(once)} operators, ${millions(twice - once)} more for one that resumes; `
        + `${most} bytes of heap at most`,
    );
  }
} finally {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}
