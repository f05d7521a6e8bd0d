/**
 * Numbers that cross the border of the module, read from its source: the values of its enums, and where the fields of its records lie. A test
 * that wants to know what a bit means asks for it by name, so that it cannot go on with a number that means something else by now.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Every file of the module, without comments. */
let source: string | undefined;
function text(): string {
  source ??= readdirSync("assembly", { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts")).sort()
    .map((f) => readFileSync(join("assembly", f), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")).join("\n");
  return source;
}

function block(kind: string, name: string): { head: string; body: string } {
  const found = [...text().matchAll(new RegExp(`\\b${kind} ${name}\\b([^{]*)\\{([^}]*)\\}`, "g"))];
  if (found.length !== 1) throw new Error(`the module has ${found.length} times the ${kind} ${name}`);
  return { head: found[0]![1]!, body: found[0]![2]! };
}

function value(expression: string): number {
  const shift = /^(\w+) << (\w+)$/.exec(expression), n = shift ? Number(shift[1]) * 2 ** Number(shift[2]) : Number(expression);
  if (!Number.isInteger(n)) throw new Error(`not a number that is understood here: ${expression}`);
  return n;
}

/** The values of a `const enum` of the module, by name. */
export function enumOf(name: string): Record<string, number> {
  const out: Record<string, number> = {};
  let next = 0;
  for (const part of block("enum", name).body.split(",").map((s) => s.trim()).filter((s) => s !== "")) {
    const [key, expression] = part.split("=").map((s) => s.trim());
    out[key!] = expression === undefined ? next : value(expression);
    next = out[key!]! + 1;
  }
  return out;
}

/** The value of `name` in an enum; an error if there is none. */
export function bit(of: Record<string, number>, name: string): number {
  const n = of[name];
  if (n === undefined) throw new Error(`no such name: ${name}`);
  return n;
}

const WIDTHS: Record<string, number> = { u8: 1, i8: 1, bool: 1, u16: 2, i16: 2, u32: 4, i32: 4, usize: 4, u64: 8, i64: 8 };

function width(type: string): number {
  const alias = new RegExp(`\\btype ${type} = (\\w+);`).exec(text())?.[1];
  const w = WIDTHS[alias ?? type] ?? (new RegExp(`\\benum ${type}\\b`).test(text()) ? 4 : undefined);
  if (w === undefined) throw new Error(`a type of unknown size: ${type}`);
  return w;
}

/** Where the fields of an unmanaged class of the module lie, bytes; those of the class that it extends come first. */
export function offsetsOf(name: string): Record<string, number> {
  const { head, body } = block("class", name), base = /extends (\w+)/.exec(head)?.[1];
  const out: Record<string, number> = {};
  let at = 0;
  const add = (fields: string): void => {
    for (const m of fields.matchAll(/(\w+): (\w+);/g)) {
      const w = width(m[2]!);
      out[m[1]!] = at = Math.ceil(at / w) * w;
      at += w;
    }
  };
  if (base !== undefined) add(block("class", base).body);
  add(body);
  return out;
}
