// Operators of Wasm as C.
import binaryen from "binaryen";
import { inner, joined, operand, signed } from "./values.mjs";

const ARITHMETIC = { Add: "+", Sub: "-", Mul: "*", And: "&", Or: "|", Xor: "^" };
const COMPARED = { Eq: "==", Ne: "!=", Lt: "<", Le: "<=", Gt: ">", Ge: ">=" };
const DIVIDED = { Div: "/", Rem: "%" };

const UNARY = new Map(), BINARY = new Map();

for (const bits of [32, 64]) {
  const binary = (name, make) => BINARY.set(binaryen[`${name}Int${bits}`], make);
  const unary = (name, make) => UNARY.set(binaryen[`${name}Int${bits}`], make);
  for (const [name, op] of Object.entries(ARITHMETIC)) binary(name, (l, r) => arithmetic(op, l, r, bits));
  for (const name of ["Eq", "Ne"]) binary(name, (l, r) => compared(COMPARED[name], l, r));
  for (const name of ["Lt", "Le", "Gt", "Ge"]) {
    binary(`${name}U`, (l, r) => compared(COMPARED[name], l, r));
    binary(`${name}S`, (l, r) => joined(
      `${signed(l, bits)} ${COMPARED[name]} ${signed(r, bits)}`, [l, r], { isBool: true },
    ));
  }
  for (const [name, op] of Object.entries(DIVIDED)) {
    binary(`${name}U`, (l, r) => divided(op, l, r, `i${bits}_${name.toLowerCase()}_u`));
    binary(`${name}S`, (l, r) => dividedSigned(op, l, r, bits, `i${bits}_${name.toLowerCase()}_s`));
  }
  binary("Shl", (l, r) => joined(`${operand(l)} << ${distance(r, bits)}`, [l, r]));
  binary("ShrU", (l, r) => joined(`${operand(l)} >> ${distance(r, bits)}`, [l, r]));
  binary("ShrS", (l, r) => joined(
    `(u${bits})((s${bits})${inner(l)} >> ${distance(r, bits)})`, [l, r], { isAtom: true },
  ));
  for (const name of ["RotL", "RotR"])
    binary(name, (l, r) => called(`i${bits}_${name.toLowerCase()}`, [l, r]));
  for (const name of ["Clz", "Ctz", "Popcnt"]) unary(name, (x) => called(`i${bits}_${name.toLowerCase()}`, [x]));
  unary("EqZ", isZero);
  for (const from of [8, 16, 32].filter((n) => n < bits)) {
    UNARY.set(
      binaryen[`ExtendS${from}Int${bits}`],
      (x) => joined(`(u${bits})(s${from})${inner(x)}`, [x], { isAtom: true }),
    );
  }
}
UNARY.set(binaryen.ExtendSInt32, (x) => joined(`(u64)(s32)${inner(x)}`, [x], { isAtom: true }));
UNARY.set(binaryen.ExtendUInt32, (x) => joined(`(u64)${inner(x)}`, [x], { isAtom: true }));
UNARY.set(binaryen.WrapInt64, (x) => joined(`(u32)${inner(x)}`, [x], { isAtom: true }));

function called(name, parts) {
  return joined(`${name}(${parts.map((p) => p.text).join(", ")})`, parts, { isAtom: true });
}

/** C's distance of a shift must be less than the width. */
function distance(r, bits) {
  return r.number === undefined ? `(${operand(r)} & ${bits - 1})` : String(r.number & BigInt(bits - 1));
}

function arithmetic(op, l, r, bits) {
  const isBool = "&|^".includes(op) && l.isBool && r.isBool;
  // Without the cast, Clang would have it that "&&" is meant.
  if (isBool) return joined(`(int)(${l.text}) ${op} (${r.text})`, [l, r], { isBool });
  // A constant that is negative with a sign is subtracted.
  if (op === "+" && r.number !== undefined && r.number >> BigInt(bits - 1) === 1n) {
    const n = BigInt.asUintN(bits, -r.number);
    if (n < 65536n) return joined(`${operand(l)} - ${n}u`, [l, r]);
  }
  return joined(`${operand(l)} ${op} ${operand(r)}`, [l, r], { isVague: op === "*" });
}

function compared(op, l, r) {
  return joined(`${operand(l)} ${op} ${operand(r)}`, [l, r], { isBool: true });
}

/** It traps where the divisor is 0: `isStatement` is evaluated at its place. */
function divided(op, l, r, name) {
  if (r.number !== undefined && r.number !== 0n) return joined(`${operand(l)} ${op} ${r.text}`, [l, r]);
  return { ...called(name, [l, r]), isStatement: true };
}

function dividedSigned(op, l, r, bits, name) {
  const n = r.number === undefined ? 0n : BigInt.asIntN(bits, r.number);
  if (n === 0n || n === -1n) return { ...called(name, [l, r]), isStatement: true };
  return joined(`(u${bits})(${signed(l, bits)} ${op} ${signed(r, bits)})`, [l, r], { isAtom: true });
}

function isZero(x) {
  return joined(x.isBool ? `!(${x.text})` : `${operand(x)} == 0`, [x], { isBool: true });
}

/** Returns C for an operator and its operands; undefined: it is none of integers. */
export const unary = (op, x) => UNARY.get(op)?.(x);
export const binary = (op, l, r) => BINARY.get(op)?.(l, r);
