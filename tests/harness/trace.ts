/** A module whose functions say when they are entered: which way a call takes through the source. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import binaryen from "binaryen";
import { compile } from "../../tools/wasm.mjs";

const ENTER = "#enter";
/** What binaryen.js has, and its types do not name. */
const { setBody } = (binaryen as unknown as {
  Function: { setBody(f: number, body: number): void };
}).Function;

export interface Traced {
  module: WebAssembly.Module;
  imports: WebAssembly.Imports;
  /** What `what` enters, in order: "tcp/input.ts tcpInput"; accessors of fields are left out. */
  entered(what: () => void): string[];
}

/** Functions by number: file below assembly/, and name. Undefined: an accessor, or not the stack's. */
function named(name: string): string | undefined {
  const [, file, called] = /^assembly\/(.+)\/([\w]+)$/.exec(name) ?? [];
  return file === undefined ? undefined : `${file}.ts ${called}`;
}

/** Compiles the stack as `stint.simd` is, with every function a function, and without some features. */
export function traced(without: string[] = []): Traced {
  const folder = mkdtempSync(join(tmpdir(), "stint-trace-")), file = join(folder, "traced.wasm");
  try {
    compile("assembly/index.ts", "stint.simd", file, ["-O0", "--enable-simd"], { without, names: true, plain: true });
    const names: (string | undefined)[] = [], log: string[] = [], code = binaryen.readBinary(readFileSync(file));
    let isOn = false;
    code.setFeatures(binaryen.Features.All);
    code.addFunctionImport(ENTER, "trace", "enter", binaryen.i32, binaryen.none);
    for (let i = 0; i < code.getNumFunctions(); i++) {
      const f = code.getFunctionByIndex(i), { base, name, body } = binaryen.getFunctionInfo(f);
      names.push(base === "" ? named(name) : undefined);
      if (names[i] === undefined) continue;
      const call = code.call(ENTER, [code.i32.const(i)], binaryen.none);
      setBody(f, code.block(null, [call, body], binaryen.auto));
    }
    return {
      module: new WebAssembly.Module(Uint8Array.from(code.emitBinary())),
      imports: { trace: { enter: (i: number) => void (isOn && log.push(names[i]!)) } },
      entered(what) {
        isOn = true;
        what();
        isOn = false;
        return log.splice(0);
      },
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
