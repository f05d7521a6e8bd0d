/** The assertions of a script's `%{ }%`: Python's expressions over whole numbers, with Python's meaning. */

type Token = { kind: "number"; value: number } | { kind: "name" | "mark"; text: string };

const TOKEN =
  /\s*(?:(0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?)(?!\w)|([A-Za-z_]\w*)|(\*\*|\/\/|<<|>>|[<>=!]=|[-+*/%&|^~<>(),]))/y;
/** An expression that is none, or that has a word nobody knows. */
export class ExpressionError extends Error {}

type Binary = (a: number, b: number) => number;
const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  "==": (a, b) => a === b, "!=": (a, b) => a !== b,
  "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
};
/** Of whole numbers, however large: JavaScript's own operators know 32 bits. */
const bits = (of: (a: bigint, b: bigint) => bigint): Binary => (a, b) => {
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b)) throw new ExpressionError("the bits of such a number");
  return Number(of(BigInt(a), BigInt(b)));
};
const shift = (of: (a: number, by: number) => number): Binary => (a, by) => {
  if (!Number.isSafeInteger(a) || !Number.isInteger(by) || by < 0) throw new ExpressionError("such a shift");
  return of(a, 2 ** by);
};
const divided = (of: Binary): Binary => (a, b) => {
  if (b === 0) throw new ExpressionError("a division by zero");
  return of(a, b);
};
const remainder: Binary = (a, b) => a - b * Math.floor(a / b);
/** Operators of two operands, those that bind less first. */
const LEVELS: Record<string, Binary>[] = [
  { "|": bits((a, b) => a | b) }, { "^": bits((a, b) => a ^ b) }, { "&": bits((a, b) => a & b) },
  { "<<": shift((a, by) => a * by), ">>": shift((a, by) => Math.floor(a / by)) },
  { "+": (a, b) => a + b, "-": (a, b) => a - b },
  {
    "*": (a, b) => a * b, "//": divided((a, b) => Math.floor(a / b)), "/": divided((a, b) => a / b),
    "%": divided(remainder),
  },
];
const FUNCTIONS: Record<string, (...n: number[]) => number> = {
  abs: Math.abs, min: Math.min, max: Math.max, int: Math.trunc,
};

function tokens(text: string): Token[] {
  const out: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const m = TOKEN.exec(text);
    if (!m) throw new ExpressionError(`the expression ${text.trim()}`);
    out.push(m[1] !== undefined ? { kind: "number", value: Number(m[1]) }
      : { kind: m[2] !== undefined ? "name" : "mark", text: (m[2] ?? m[3])! });
  }
  return out;
}

class Evaluator {
  at = 0;
  depth = 0;
  constructor(readonly list: Token[], readonly text: string, readonly view: Record<string, number>) {}

  fail(): never {
    throw new ExpressionError(`the expression ${this.text.trim()}`);
  }

  take(...texts: string[]): string | undefined {
    const t = this.list[this.at];
    if (!t || t.kind === "number" || !texts.includes(t.text)) return undefined;
    this.at++;
    return t.text;
  }

  // Both sides are always read: a word that is not known is one on whichever side it stands.
  or(): number {
    if (++this.depth > 100) this.fail();
    let left = this.and();
    while (this.take("or")) {
      const right = this.and();
      left = left !== 0 ? left : right;
    }
    this.depth--;
    return left;
  }

  and(): number {
    let left = this.not();
    while (this.take("and")) {
      const right = this.not();
      left = left === 0 ? left : right;
    }
    return left;
  }

  not(): number {
    let turned = 0;
    while (this.take("not")) turned++;
    const n = this.compare();
    return turned === 0 ? n : Number((n !== 0) === (turned % 2 === 0));
  }

  /** a < b < c is a < b and b < c. */
  compare(): number {
    let left = this.binary(0), holds = true, any = false;
    for (let op = this.take(...Object.keys(COMPARE)); op !== undefined; op = this.take(...Object.keys(COMPARE))) {
      const right = this.binary(0);
      holds = holds && COMPARE[op]!(left, right);
      left = right;
      any = true;
    }
    return any ? Number(holds) : left;
  }

  binary(level: number): number {
    const operators = LEVELS[level];
    if (!operators) return this.unary();
    let left = this.binary(level + 1);
    for (let op = this.take(...Object.keys(operators)); op !== undefined; op = this.take(...Object.keys(operators))) {
      left = operators[op]!(left, this.binary(level + 1));
    }
    return left;
  }

  unary(): number {
    let sign = 1;
    for (let op = this.take("-", "+"); op !== undefined; op = this.take("-", "+")) if (op === "-") sign = -sign;
    return sign * this.atom();
  }

  atom(): number {
    const t = this.list[this.at++];
    if (!t) this.fail();
    if (t.kind === "number") return t.value;
    if (t.kind === "mark") {
      if (t.text !== "(") this.fail();
      const n = this.or();
      if (!this.take(")")) this.fail();
      return n;
    }
    if (t.text === "True" || t.text === "False") return Number(t.text === "True");
    if (Object.hasOwn(FUNCTIONS, t.text) && this.take("(")) {
      const args = [this.or()];
      while (this.take(",")) args.push(this.or());
      if (!this.take(")")) this.fail();
      return FUNCTIONS[t.text]!(...args);
    }
    if (!Object.hasOwn(this.view, t.text)) throw new ExpressionError(t.text);
    return this.view[t.text]!;
  }
}

/** Whether `assert`'s text holds. What follows a comma is a message, an expression as well, and has to be one. */
export function holds(text: string, view: Record<string, number>): boolean {
  const message = /,\s*(["'])[^"']*\1\s*$/.exec(text);
  const e = new Evaluator(tokens(message ? text.slice(0, message.index) : text), text, view);
  const n = e.or();
  if (!message && e.take(",")) e.or();
  if (e.at < e.list.length || !Number.isFinite(n)) e.fail();
  return n !== 0;
}
