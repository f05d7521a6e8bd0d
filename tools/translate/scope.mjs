// Lines of C, and the expressions that wait to become part of one.
//
// Wasm says in which order operands are evaluated, and C does not. So an expression waits, as text, until what it is an
// operand of is known; a statement that would change what it reads, or that must not come before it, makes a variable
// of it first.
import { value } from "./values.mjs";

/** Whether `v` has to be evaluated before what `event` says: sets of locals and globals, memory, traps, everything. */
function isBefore(v, event) {
  if (v.isFixed || v.isDead) return false;
  if (v.call || event.everything) return true;
  return (event.traps && v.traps) || (event.memory && v.memory) || v.locals.has(event.local)
    || (event.globals === true ? v.globals.size > 0 : v.globals.has(event.global));
}

/** Parentheses in each other, a few to a depth, of which Clang takes 256. */
export const DEPTH_MAX = 50;

/** What a call may do. */
export const CALL = { traps: true, memory: true, globals: true };

export class Scope {
  lines = [];
  #waiting = [];
  #variables = 0;

  /** A variable of this function that has no name in the module. */
  variable() {
    return `t${this.#variables++}`;
  }

  /** A variable with the value of `v`, at this place. `bits` is the type's. */
  fix(v, bits) {
    if (v.isFixed || v.isDead) return v;
    this.before({ traps: v.traps });
    return this.#variableOf(v, bits);
  }

  #variableOf(v, bits) {
    const name = this.variable();
    this.lines.push(`u${bits} ${name} = ${v.text};`);
    return value(name, { isAtom: true, isFixed: true, isBool: false });
  }

  /** Evaluates what has to come before `event`. */
  before(event) {
    for (const slot of this.#waiting)
      if (isBefore(slot.v, event)) slot.v = this.#variableOf(slot.v, slot.bits);
  }

  /** A statement that does what `event` says. Any statement comes behind the calls that wait. */
  emit(line, event = {}) {
    this.before(event);
    this.lines.push(line);
  }

  /**
   * The values of several expressions, in their order: `parts` are functions that return one, with the bits of its
   * type. Returns null if one of them never ends.
   */
  operands(parts) {
    const from = this.#waiting.length;
    for (const { make, bits } of parts) {
      const v = make();
      if (v.isDead) {
        this.#waiting.length = from;
        return null;
      }
      this.#waiting.push({ v: v.depth < DEPTH_MAX ? v : this.fix({ ...v, isFixed: false }, bits), bits });
    }
    const slots = this.#waiting.splice(from);
    // C may evaluate operands in any order: a call among them must not change what another one reads.
    slots.forEach((slot, i) => {
      const others = slots.filter((_, j) => j !== i).map((s) => s.v);
      if (slot.v.call && others.some((o) => o.call || isBefore(o, CALL))) slot.v = this.#variableOf(slot.v, slot.bits);
    });
    return slots.map((s) => s.v);
  }

  /** What `make` writes and returns, apart: { lines, v }. Nothing that waits is evaluated in it. */
  apart(make) {
    const lines = this.lines, waiting = this.#waiting;
    this.lines = [];
    this.#waiting = [];
    const v = make(), written = this.lines;
    this.lines = lines;
    this.#waiting = waiting;
    return { lines: written, v };
  }
}

export const indented = (lines) => lines.map((line) => (line.endsWith(":;") ? line : `  ${line}`));
