// A function of Wasm as one of C, from Binaryen's expressions.
import binaryen from "binaryen";
import { ToolError } from "./error.mjs";
import { binary, unary } from "./operators.mjs";
import { CALL, DEPTH_MAX, Scope, indented } from "./scope.mjs";
import { DEAD, chosen, constant, joined, operand, truth, value } from "./values.mjs";

const { none, unreachable, i32, i64 } = binaryen;
/** Binaryen has no record of these. */
const BARE = new Set([binaryen.NopId, binaryen.UnreachableId]);

function info(e) {
  const id = binaryen.getExpressionId(e);
  return BARE.has(id) ? { id, type: binaryen.getExpressionType(e) } : binaryen.getExpressionInfo(e);
}

/** Whether a value is there that may be part of an expression. */
const isShort = (v) => !v.isDead && v.depth < DEPTH_MAX;

const EVERYTHING = { everything: true, traps: true };

/** Bits of a type; throws a ToolError for what is no integer. */
export function bitsOf(type, where) {
  if (type === i32) return 32;
  if (type === i64) return 64;
  throw new ToolError(
    `${where}: only integers are translated, and this has floats, vectors, references or several results`,
  );
}

export const typeOf = (type, where) => (type === none ? "void" : `u${bitsOf(type, where)}`);

/** Writes one function. */
class Writer {
  #m;
  #f;
  #names;
  #scope = new Scope();
  /** What a branch may go to, by the name that Binaryen gave it. */
  #targets = new Map();
  /** The loops around, the innermost last. */
  #loops = [];
  #labels = 0;

  constructor(module, f, locals) {
    this.#m = module;
    this.#f = f;
    this.#names = locals;
  }

  body() {
    const { results, body } = this.#f;
    if (results === none) this.#statement(body);
    else {
      const v = this.#value(body);
      if (!v.isDead) this.#scope.emit(`return ${v.text};`);
    }
    return this.#scope.lines;
  }

  #bits(e) {
    return bitsOf(info(e).type, this.#f.name);
  }

  /** The values of the expressions `list` in their order, or null. */
  #operands(...list) {
    return this.#scope.operands(list.map((e) => this.#part(e)));
  }

  /** An operand, for its scope. */
  #part(e, make = () => this.#value(e)) {
    const { type } = info(e);
    return { make, bits: type === unreachable ? 0 : bitsOf(type, this.#f.name) };
  }

  /** An operand that is evaluated whatever becomes of it: what may trap, and calls, are done at once. */
  #done(e) {
    return this.#part(e, () => {
      const v = this.#value(e);
      return v.traps || v.call ? this.#scope.fix(v, this.#bits(e)) : v;
    });
  }

  /** An operand that is used more than once. */
  #kept(e) {
    return this.#part(e, () => {
      const v = this.#value(e);
      return v.isDead ? v : this.#scope.fix(v, this.#bits(e));
    });
  }

  #refused(x) {
    return new ToolError(`${this.#f.name}: an instruction that is not translated (Binaryen's number ${x.id})`);
  }

  /** An expression that gives a value: what it does beside that is written. */
  #value(e) {
    const x = info(e);
    if (x.type === unreachable) {
      this.#statement(e);
      return DEAD;
    }
    switch (x.id) {
      case binaryen.ConstId: return constant(x.value, bitsOf(x.type, this.#f.name));
      case binaryen.LocalGetId: return this.#local(x.index);
      case binaryen.LocalSetId:
        this.#statement(e);
        return this.#local(x.index);
      case binaryen.GlobalGetId: {
        const name = this.#m.global(x.name);
        return value(name, { isAtom: true, globals: new Set([name]) });
      }
      case binaryen.BlockId: return this.#block(x);
      case binaryen.IfId: return this.#choice(x);
      case binaryen.LoopId: return this.#loop(x);
      case binaryen.BreakId: return this.#branchIf(x);
      case binaryen.CallId: case binaryen.CallIndirectId: return this.#call(x);
      default: return this.#operation(x);
    }
  }

  #local(index) {
    return value(this.#names[index], { isAtom: true, locals: new Set([index]) });
  }

  /** Operators, loads, and what else has operands and a value. Where an operand never ends, DEAD. */
  #operation(x) {
    const all = (...list) => this.#operands(...list);
    let v;
    switch (x.id) {
      case binaryen.UnaryId: {
        const parts = all(x.value);
        v = parts ? unary(x.op, ...parts) : DEAD;
        break;
      }
      case binaryen.BinaryId: {
        const parts = all(x.left, x.right);
        v = parts ? binary(x.op, ...parts) : DEAD;
        break;
      }
      case binaryen.SelectId: v = this.#select(x); break;
      case binaryen.LoadId: v = this.#load(x); break;
      case binaryen.MemorySizeId: v = value("MEMORY_PAGES", { isAtom: true, memory: true }); break;
      case binaryen.MemoryGrowId: {
        const parts = all(x.delta);
        if (!parts) return DEAD;
        this.#scope.before(CALL);
        v = value(`memory_grow(${parts[0].text})`, { isAtom: true, call: true });
        break;
      }
      default: throw this.#refused(x);
    }
    if (v === undefined) throw this.#refused(x);
    return v.isStatement ? this.#scope.fix({ ...v, traps: true, isFixed: false }, bitsOf(x.type, this.#f.name)) : v;
  }

  #load(x) {
    if (x.isAtomic) throw this.#refused(x);
    const parts = this.#operands(x.ptr);
    if (!parts) return DEAD;
    const bits = bitsOf(x.type, this.#f.name), width = x.bytes * 8;
    const name = width === bits ? `i${bits}_load` : `i${bits}_load${width}_${x.isSigned ? "s" : "u"}`;
    return joined(`${name}(${parts[0].text}, ${x.offset}u)`, parts, {
      isAtom: true, isFixed: false, memory: true, traps: true,
    });
  }

  /** Both values are evaluated, so both may trap. */
  #select(x) {
    const parts = this.#scope.operands([this.#done(x.ifTrue), this.#done(x.ifFalse), this.#part(x.condition)]);
    if (!parts) return DEAD;
    const [t, f, c] = parts;
    return chosen(c, t, f);
  }

  #call(x) {
    if (x.isReturn) throw this.#refused(x);
    const where = this.#f.name;
    let text, parts;
    if (x.id === binaryen.CallId) {
      parts = this.#operands(...x.operands);
      if (!parts) return DEAD;
      text = `${this.#m.func(x.target)}(${parts.map((p) => p.text).join(", ")})`;
    } else {
      parts = this.#scope.operands([...x.operands, x.target].map((e) => this.#done(e)));
      if (!parts) return DEAD;
      const args = parts.slice(0, -1), type = this.#m.type(x.params, x.results);
      const of = binaryen.expandType(x.params).map((t) => typeOf(t, where)).join(", ") || "void";
      text = `((${typeOf(x.results, where)} (*)(${of}))table_at(${parts.at(-1).text}, ${type}u))`
        + `(${args.map((p) => p.text).join(", ")})`;
    }
    this.#scope.before(CALL);
    const { locals, depth } = joined("", parts);
    return value(text, { isAtom: true, call: true, locals, depth });
  }

  /** An expression for what it does. */
  #statement(e) {
    const x = info(e), s = this.#scope;
    switch (x.id) {
      case binaryen.NopId: return;
      case binaryen.BlockId: return void this.#block(x);
      case binaryen.LoopId: return void this.#loop(x);
      case binaryen.IfId: return void this.#choice(x);
      case binaryen.BreakId: return void (x.condition ? this.#branchIf(x) : this.#branch(x));
      case binaryen.SwitchId: return this.#switch(x);
      case binaryen.ReturnId: return this.#return(x);
      case binaryen.UnreachableId: return s.emit("UNREACHABLE;", EVERYTHING);
      case binaryen.CallId: case binaryen.CallIndirectId: {
        const v = this.#call(x);
        return v.isDead ? undefined : s.emit(`${v.text};`);
      }
      case binaryen.DropId: return this.#drop(x);
      case binaryen.LocalSetId: {
        const parts = this.#operands(x.value), name = this.#names[x.index];
        if (!parts || parts[0].text === name) return;
        return s.emit(`${name} = ${parts[0].text};`, { local: x.index });
      }
      case binaryen.GlobalSetId: {
        const parts = this.#operands(x.value), name = this.#m.global(x.name);
        if (!parts || parts[0].text === name) return;
        return s.emit(`${name} = ${parts[0].text};`, { global: name, traps: true });
      }
      case binaryen.StoreId: return this.#store(x);
      case binaryen.MemoryCopyId: return this.#bulk("memory_copy", x.dest, x.source, x.size);
      case binaryen.MemoryFillId: return this.#bulk("memory_fill", x.dest, x.value, x.size);
      default: return void this.#operation(x);
    }
  }

  #drop(x) {
    const parts = this.#operands(x.value);
    if (!parts) return;
    const [v] = parts;
    if (v.call && v.isAtom) this.#scope.emit(`${v.text};`);
    else if (v.call || v.traps) this.#scope.emit(`(void)(${v.text});`, { traps: true });
  }

  #store(x) {
    if (x.isAtomic) throw this.#refused(x);
    const parts = this.#operands(x.ptr, x.value);
    if (!parts) return;
    const bits = this.#bits(x.value), width = x.bytes * 8;
    const name = width === bits ? `i${bits}_store` : `i${bits}_store${width}`;
    this.#scope.emit(`${name}(${parts[0].text}, ${x.offset}u, ${parts[1].text});`, { memory: true, traps: true });
  }

  #bulk(name, ...list) {
    const parts = this.#operands(...list);
    if (parts) this.#scope.emit(`${name}(${parts.map((p) => p.text).join(", ")});`, { memory: true, traps: true });
  }

  #return(x) {
    const parts = x.value ? this.#operands(x.value) : [];
    if (parts) this.#scope.emit(parts.length > 0 ? `return ${parts[0].text};` : "return;", EVERYTHING);
  }

  /** Statements, and the value of the last one. */
  #sequence(list, hasValue) {
    for (const [i, e] of list.entries()) {
      if (i === list.length - 1 && hasValue) return this.#value(e);
      this.#statement(e);
      if (info(e).type === unreachable) return DEAD;
    }
    return value("");
  }

  /** A block; what it is branched out of to has a label behind it. */
  #block(x) {
    const hasValue = x.type !== none && x.type !== unreachable, s = this.#scope;
    if (!x.name) return this.#sequence(x.children, hasValue);
    const target = { used: 0, label: `done_${this.#labels++}`, result: hasValue ? s.variable() : undefined };
    // A loop at its end is left by "break".
    const last = x.children.length > 0 ? info(x.children.at(-1)) : undefined;
    if (!hasValue && last?.id === binaryen.LoopId) target.tail = last.name;
    this.#targets.set(x.name, target);
    const { lines, v } = s.apart(() => {
      const end = this.#sequence(x.children, hasValue);
      if (target.used > 0 && hasValue && !end.isDead) s.emit(`${target.result} = ${end.text};`);
      return end;
    });
    this.#targets.delete(x.name);
    if (lines.length > 0) s.before(EVERYTHING);
    else if (v.call) s.before(CALL);
    if (target.used > 0 && hasValue) s.lines.push(`u${bitsOf(x.type, this.#f.name)} ${target.result};`);
    s.lines.push(...lines);
    if (target.used === 0) return v;
    if (target.labelled) s.lines.push(`${target.label}:;`);
    return hasValue ? value(target.result, { isAtom: true, isFixed: true }) : value("");
  }

  #loop(x) {
    const hasValue = x.type !== none && x.type !== unreachable, s = this.#scope;
    const target = { isLoop: true, used: 0, label: `again_${this.#labels++}`, exits: 0 };
    target.exit = x.name && [...this.#targets.values()].findLast((t) => t.tail === x.name);
    if (x.name) this.#targets.set(x.name, target);
    this.#loops.push(target);
    const result = hasValue ? s.variable() : undefined;
    const { lines, v } = s.apart(() => {
      const last = this.#sequence([x.body], hasValue);
      if (hasValue && !last.isDead) s.emit(`${result} = ${last.text};`);
      return last;
    });
    this.#loops.pop();
    if (x.name) this.#targets.delete(x.name);
    s.before(EVERYTHING);
    if (hasValue) s.lines.push(`u${bitsOf(x.type, this.#f.name)} ${result};`);
    s.lines.push(...loopOf(lines, target, v.isDead));
    return hasValue ? value(result, { isAtom: true, isFixed: true }) : v.isDead ? DEAD : value("");
  }

  /** `if`, with a value or without. */
  #choice(x) {
    const hasValue = x.type !== none && x.type !== unreachable, s = this.#scope;
    const parts = this.#operands(x.condition);
    if (!parts) return DEAD;
    const [c] = parts, result = hasValue ? s.variable() : undefined;
    const arm = (e) => (e ? s.apart(() => this.#sequence([e], hasValue)) : { lines: [], v: value("") });
    const yes = arm(x.ifTrue), no = arm(x.ifFalse);
    if (hasValue && yes.lines.length + no.lines.length === 0 && isShort(yes.v) && isShort(no.v)) {
      const v = chosen(c, yes.v, no.v);
      if (v.call) s.before(CALL);
      return v;
    }
    s.before(EVERYTHING);
    if (hasValue) {
      s.lines.push(`u${bitsOf(x.type, this.#f.name)} ${result};`);
      for (const { lines, v } of [yes, no]) if (!v.isDead) lines.push(`${result} = ${v.text};`);
    }
    s.lines.push(...choiceOf(truth(c), yes.lines, no.lines));
    return hasValue ? value(result, { isAtom: true, isFixed: true }) : value("");
  }

  /** The jump to a target, as C. In a `switch`, "break" would leave that. */
  #jump(name, { inSwitch = false } = {}) {
    const target = this.#targets.get(name), loop = this.#loops.at(-1);
    target.used++;
    if (loop !== undefined && target === loop) return "continue;";
    if (loop !== undefined && target === loop.exit && !inSwitch) {
      loop.exits++;
      return "break;";
    }
    target.labelled = true;
    return `goto ${target.label};`;
  }

  #branch(x) {
    const parts = x.value ? this.#operands(x.value) : [];
    if (!parts) return;
    const { result } = this.#targets.get(x.name);
    if (parts.length > 0) this.#scope.emit(`${result} = ${parts[0].text};`, EVERYTHING);
    this.#scope.emit(this.#jump(x.name), EVERYTHING);
  }

  /** A branch with a condition has its value also where it does not branch. */
  #branchIf(x) {
    const s = this.#scope;
    const parts = s.operands([...(x.value ? [this.#kept(x.value)] : []), this.#part(x.condition)]);
    if (!parts) return DEAD;
    const c = parts.at(-1), v = parts.length > 1 ? parts[0] : value("");
    s.before({ traps: true });
    if (parts.length === 1) s.lines.push(`if (${truth(c)}) ${this.#jump(x.name)}`);
    else {
      const { result } = this.#targets.get(x.name);
      s.lines.push(`if (${truth(c)}) {`, `  ${result} = ${v.text};`, `  ${this.#jump(x.name)}`, "}");
    }
    return v;
  }

  #switch(x) {
    const s = this.#scope;
    const parts = s.operands([...(x.value ? [this.#kept(x.value)] : []), this.#part(x.condition)]);
    if (!parts) return;
    s.before(EVERYTHING);
    // Both are read below: the value first, and the number behind it.
    if (x.value) for (const name of new Set([...x.names, x.defaultName])) {
      const { result } = this.#targets.get(name);
      s.lines.push(`${result} = ${parts[0].text};`);
    }
    const cases = new Map();
    x.names.forEach((name, i) => {
      if (name !== x.defaultName) cases.set(name, [...(cases.get(name) ?? []), `case ${i}:`]);
    });
    s.lines.push(`switch (${operand(parts.at(-1))}) {`);
    for (const [name, list] of cases) s.lines.push(`  ${list.join(" ")} ${this.#jump(name, { inSwitch: true })}`);
    s.lines.push(`  default: ${this.#jump(x.defaultName, { inSwitch: true })}`, "}");
  }
}

/** A loop's lines: it goes on where it is branched to, and ends otherwise. */
function loopOf(lines, target, isDead) {
  if (target.used === 0 && target.exits === 0) return lines;
  const last = lines.at(-1), out = [...lines];
  const until = /^if \((.*)\) continue;$/.exec(last ?? "");
  if (until !== null && !isDead && target.used === 1 && !target.labelled && !/\bt\d+\b/.test(until[1]))
    return ["do {", ...indented(lines.slice(0, -1)), `} while (${until[1]});`];
  if (last === "continue;") out.pop();
  else if (!isDead) out.push("break;");
  return ["for (;;) {", ...(target.labelled ? [`${target.label}:;`] : []), ...indented(out), "}"];
}

/** `if` and `else`; a jump alone stands in its line. */
function choiceOf(c, yes, no) {
  if (no.length === 0 && yes.length === 1 && /^(goto|break|continue|return)\b/.test(yes[0]))
    return [`if (${c}) ${yes[0]}`];
  if (yes.length === 0 && no.length === 0) return [`(void)(${c});`];
  if (yes.length === 0) return [`if (!(${c})) {`, ...indented(no), "}"];
  if (no.length === 0) return [`if (${c}) {`, ...indented(yes), "}"];
  const isChain = no[0].startsWith("if (") && no[0].endsWith("{")
    && no.slice(1).every((line) => /^( |\} else|\}$)/.test(line)) && no.filter((line) => line === "}").length === 1;
  if (isChain) return [`if (${c}) {`, ...indented(yes), `} else ${no[0]}`, ...no.slice(1)];
  return [`if (${c}) {`, ...indented(yes), "} else {", ...indented(no), "}"];
}

/** The names of a function's locals: p and l with their numbers, as parameters come first. */
function localNames(f, parameters) {
  return Array.from({ length: parameters + f.vars.length }, (_, i) => `${i < parameters ? "p" : "l"}${i}`);
}

/** The head of a function: `static u32 tcp_input_synSent(u32 p0)`. */
export function headOf(f, name, { isNamed = true } = {}) {
  const types = binaryen.expandType(f.params).map((t, i) => `${typeOf(t, f.name)}${isNamed ? ` p${i}` : ""}`);
  return `static ${typeOf(f.results, f.name)} ${name}(${types.join(", ") || "void"})`;
}

/** A function's lines. `module` names what it calls and reads. */
export function functionOf(module, f, name) {
  const parameters = binaryen.expandType(f.params).length, locals = localNames(f, parameters);
  const declared = f.vars.map((type, i) => `u${bitsOf(type, f.name)} ${locals[parameters + i]} = 0;`);
  const body = new Writer(module, f, locals).body();
  return [`${headOf(f, name)} {`, ...indented([...declared, ...body]), "}"];
}
