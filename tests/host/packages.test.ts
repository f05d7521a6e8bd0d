/** The stack as one file of C, and the packages around it (boards/packages). */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { amalgamate } from "../../tools/amalgamate.mjs";
import { succeeded } from "../harness/programs.js";
import { lacks } from "../interop/lab.js";

const HOME = "tests/boards/packages", STUBS = join(HOME, "stubs");
const STRICT = ["-Wall", "-Wextra", "-Werror"];
/** A stack that is broken goes to the program. */
const TRAP = ["-include", join(process.cwd(), HOME, "trap.h")];
const dir = mkdtempSync(join(tmpdir(), "stint-packages-")), out = join(dir, "stint-c"), src = join(out, "src");
after(() => rmSync(dir, { recursive: true }));

/** Whether the folder of a release is there; the first that asks makes it. */
function isMade(t: TestContext, ...needs: string[]): boolean {
  if (lacks(t, "gcc", ...needs)) return false;
  if (!existsSync(out)) amalgamate(out);
  return true;
}

describe("stint.c", () => {
  it("needs memcpy, memmove and memset, and nothing else but what the compiler brings", (t) => {
    if (!isMade(t)) return;
    const object = join(dir, "stint.o");
    succeeded("gcc", ["-std=c11", "-Os", ...STRICT, "-ffreestanding", "-c", join(src, "stint.c"), "-o", object]);
    const wanted = succeeded("nm", ["-u", object]).match(/(?<= U )\w+/g) ?? [];
    assert.deepEqual(wanted.filter((name) => !name.startsWith("__")).sort(), ["memcpy", "memmove", "memset"]);
  });

  it("takes at most 56 KiB of flash on a Cortex-M3, and four bytes of RAM beside its memory", (t) => {
    if (!isMade(t, "arm-none-eabi-gcc")) return;
    const object = join(dir, "stint-m3.o"), flags = ["-mcpu=cortex-m3", "-mthumb", "-std=c11", "-Os", ...STRICT];
    succeeded("arm-none-eabi-gcc", [...flags, "-c", join(src, "stint.c"), "-o", object]);
    const [text, data, bss] = succeeded("arm-none-eabi-size", [object]).split("\n")[1]!.trim().split(/\s+/).map(Number);
    assert.ok(text! <= 56 * 1024, `${text} bytes`);
    assert.deepEqual([data, bss], [0, 4]);
  });

  it("runs two stacks in one program; one that breaks leaves the other alone", (t) => {
    if (!isMade(t)) return;
    const program = join(dir, "two"), sanitize = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    succeeded("gcc", ["-std=gnu11", "-O1", ...sanitize, ...STRICT, ...TRAP, `-I${src}`, join(HOME, "two.c"),
      join(src, "stint.c"), join(src, "stint_port.c"), "-o", program]);
    assert.equal(succeeded(program), "ok\n");
  });
});

describe("packages", () => {
  it("CMake builds and installs it; find_package and pkg-config find it", (t) => {
    if (!isMade(t, "cmake", "make", "pkg-config")) return;
    const place = join(dir, "installed"), flags = `-DCMAKE_C_FLAGS=${TRAP.join(" ")}`;
    const built = (source: string, to: string, ...more: string[]): void => {
      succeeded("cmake", ["-S", source, "-B", to, "-G", "Unix Makefiles", flags, ...more]);
      succeeded("cmake", ["--build", to]);
    };
    built(out, join(dir, "build"), `-DCMAKE_INSTALL_PREFIX=${place}`, "-DCMAKE_INSTALL_LIBDIR=lib");
    succeeded("cmake", ["--install", join(dir, "build")]);
    built(join(HOME, "consumer"), join(dir, "consumer"), `-DCMAKE_PREFIX_PATH=${place}`);
    assert.equal(succeeded(join(dir, "consumer", "two")), "ok\n");
    const env = { ...process.env, PKG_CONFIG_PATH: join(place, "lib", "pkgconfig") };
    const found = succeeded("pkg-config", ["--cflags", "--libs", "stint"], { env }).trim().split(" ");
    succeeded("gcc", [...TRAP, join(HOME, "two.c"), ...found, "-o", join(dir, "two-pc")]);
    assert.equal(succeeded(join(dir, "two-pc")), "ok\n");
  });

  const GLUE: [file: string, stubs: string, ...flags: string[]][] = [
    ["freertos/stint_freertos.c", "freertos"], ["espidf/stint_espidf.c", "espidf"], ["pico/stint_pico.c", "pico"],
    ["zephyr/stint_zephyr.c", "zephyr", "-DCONFIG_STINT_STACK_SIZE=2048", "-DCONFIG_STINT_PRIORITY=5"],
  ];
  for (const [file, stubs, ...flags] of GLUE) {
    it(`${file} compiles against stubs of the vendor's headers; its header is C++, too`, (t) => {
      if (!isMade(t, "g++")) return;
      const all = ["-fsyntax-only", ...STRICT, `-I${src}`, `-I${join(STUBS, stubs)}`, ...flags];
      succeeded("gcc", ["-std=gnu11", ...all, join(out, file)]);
      const header = join(out, file.replace(/c$/, "h"));
      succeeded("g++", ["-std=c++17", "-x", "c++", ...all, "-include", header, "/dev/null"]);
    });
  }

  it("Arduino's client and server compile against stubs of its core", (t) => {
    if (!isMade(t, "g++")) return;
    const flags = ["-std=c++11", "-fsyntax-only", ...STRICT, "-DARDUINO=10819", `-I${join(STUBS, "arduino")}`];
    succeeded("g++", [...flags, join(src, "StintEthernet.cpp")]);
    // Elsewhere the file is empty.
    succeeded("g++", ["-fsyntax-only", ...STRICT, join(src, "StintEthernet.cpp")]);
  });

  it("their files have the version, and name files that are there", (t) => {
    if (!isMade(t)) return;
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    const text = (file: string): string => readFileSync(join(out, file), "utf8");
    const pio = JSON.parse(text("library.json")) as { version: string; headers: string[] };
    assert.equal(pio.version, version);
    for (const header of pio.headers) assert.ok(existsSync(join(src, header)), header);
    assert.match(text("library.properties"), new RegExp(`^version=${version}$`, "m"));
    assert.match(text("idf_component.yml"), new RegExp(`^version: "${version}"$`, "m"));
    assert.match(text("CMakeLists.txt"), new RegExp(`VERSION ${version}`));
    for (const file of ["CMakeLists.txt", "zephyr/CMakeLists.txt"]) {
      for (const [name] of text(file).matchAll(/(?<![\w/])(?:\.\.\/)?[\w/]+\.[ch]\b/g))
        assert.ok(existsSync(join(out, dirname(file), name)), `${file}: ${name}`);
    }
    const [, kconfig] = /kconfig: (.*)/.exec(text("zephyr/module.yml"))!;
    assert.ok(existsSync(join(out, kconfig!)));
  });
});
