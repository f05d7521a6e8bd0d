// Pieces of an expression of C, and what the order of evaluation has to know of each.

const NONE = new Set();

/**
 * An expression that is not evaluated yet. `text` is C. `isBool`: it is 0 or 1, of type int. `isAtom`: it needs no
 * parentheses. `locals`, `globals`, `memory`: what it reads; `traps`: it may trap; `call`: it calls, so nothing may be
 * evaluated before it that comes after it. `number`: a constant. `isFixed`: nothing changes it any more. `isVague`:
 * compilers warn where it is a condition as it is. `depth`: how many parentheses may stand in each other.
 */
export const value = (text, more = {}) => ({
  text, isBool: false, isAtom: false, locals: NONE, globals: NONE, memory: false, traps: false, call: false,
  isFixed: false, isDead: false, isVague: false, depth: 0, ...more,
});

/** The value of what never ends. */
export const DEAD = value("0", { isDead: true });

/** A number of 32 or 64 bits, as C has it. */
export function constant(n, bits) {
  const x = BigInt.asUintN(bits, BigInt(n));
  const text = x < 65536n ? String(x) : `0x${x.toString(16)}`;
  return value(`${text}${bits === 32 ? "u" : "ull"}`, { isAtom: true, isFixed: true, number: x, bits });
}

const union = (sets) => (sets.every((s) => s.size === 0) ? NONE : new Set(sets.flatMap((s) => [...s])));

/** C made of `parts`: it reads what they read. */
export const joined = (text, parts, more = {}) => value(text, {
  locals: union(parts.map((p) => p.locals)), globals: union(parts.map((p) => p.globals)),
  memory: parts.some((p) => p.memory), traps: parts.some((p) => p.traps), call: parts.some((p) => p.call),
  isFixed: parts.every((p) => p.isFixed), depth: 1 + Math.max(0, ...parts.map((p) => p.depth)), ...more,
});

/** As an operand of a type without a sign. */
export function operand(v) {
  if (v.isBool) return `(u32)(${v.text})`;
  return v.isAtom ? v.text : `(${v.text})`;
}

/** As the operand of a cast, where a truth may stay one. */
export const inner = (v) => (v.isAtom ? v.text : `(${v.text})`);

/** As a condition. */
export const truth = (v) => (v.isVague ? `(${v.text}) != 0` : v.text);

/** C for `c` that chooses between two values. */
export function chosen(c, yes, no) {
  return joined(`${c.isVague ? truth(c) : inner(c)} ? ${inner(yes)} : ${inner(no)}`, [c, yes, no], {
    isBool: yes.isBool && no.isBool, isVague: !yes.isBool || !no.isBool,
  });
}

/** With its sign. */
export function signed(v, bits) {
  if (v.number !== undefined) {
    const n = BigInt.asIntN(bits, v.number);
    if (n > -0x80000000n && n < 0x80000000n) return String(n);
  }
  return `(s${bits})${inner(v)}`;
}
