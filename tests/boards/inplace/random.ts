/** Modules that are drawn: valid ones, of integers alone, whose functions end. */

/** Numbers from a seed (mulberry32). */
function drawn(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ state >>> 15, state | 1);
    x ^= x + Math.imul(x ^ x >>> 7, x | 61);
    return ((x ^ x >>> 14) >>> 0) % below;
  };
}

/** LOOP is the label of a loop: nobody branches to it but the loop itself. */
const I32 = 0x7f, I64 = 0x7e, VOID = 0x40, LOOP = 0;
type Type = typeof I32 | typeof I64;
const unsigned = (n: number): number[] => (n < 128 ? [n] : [n & 127 | 128, ...unsigned(Math.floor(n / 128))]);
/** Now and then longer than it has to be. */
const padded = (n: number): number[] => [n & 127 | 128, n >> 7 & 127 | 128, n >> 14];
function signed(n: bigint): number[] {
  const low = Number(n & 127n), rest = n >> 7n;
  return rest === 0n && low < 64 || rest === -1n && low >= 64 ? [low] : [low | 128, ...signed(rest)];
}
const vector = (items: number[][]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, bytes: number[]): number[] => [id, ...unsigned(bytes.length), ...bytes];
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Opcodes by what they take and give. */
const UNARY = { [I32]: [0x67, 0x68, 0x69, 0xc0, 0xc1], [I64]: [0x79, 0x7a, 0x7b, 0xc2, 0xc3, 0xc4] };
const BINARY = { [I32]: range(0x6a, 0x78), [I64]: range(0x7c, 0x8a) };
const COMPARED = { [I32]: range(0x46, 0x4f), [I64]: range(0x51, 0x5a) };
const LOADS = { [I32]: [0x28, ...range(0x2c, 0x2f)], [I64]: [0x29, ...range(0x30, 0x35)] };
const STORES = { [I32]: [0x36, 0x3a, 0x3b], [I64]: [0x37, ...range(0x3c, 0x3e)] };
/** Bytes of an access, as a power of 2; 0 where there is none here. */
const SIZES: Record<number, number> = {
  0x28: 2, 0x29: 3, 0x2e: 1, 0x2f: 1, 0x32: 1, 0x33: 1, 0x34: 2, 0x35: 2, 0x36: 2, 0x37: 3, 0x3b: 1, 0x3d: 1, 0x3e: 2,
};
const EDGES = [0n, 1n, -1n, 2n, 31n, 63n, 64n, 127n, 128n, 255n, 65535n, 2147483647n, -2147483648n];

export interface Signature {
  parameters: Type[];
  result: Type;
}

class Body {
  readonly locals: Type[];
  private labels: (Type | typeof VOID | typeof LOOP)[] = [];
  private budget = 120;

  constructor(
    private readonly draw: (below: number) => number, private readonly self: number, private readonly all: Signature[],
    own: Type[],
  ) {
    this.locals = [...all[self]!.parameters, ...own];
    this.labels.push(all[self]!.result);
  }

  private one<T>(list: readonly T[]): T {
    return list[this.draw(list.length)]!;
  }

  private index(n: number): number[] {
    return this.draw(16) === 0 ? padded(n) : unsigned(n);
  }

  private constant(type: Type): number[] {
    const edge = this.one(EDGES), any = BigInt(this.draw(2 ** 32)) * (type === I64 ? BigInt(this.draw(2 ** 32)) : 1n);
    const n = this.draw(2) === 0 ? edge : any;
    return type === I32 ? [0x41, ...signed(BigInt.asIntN(32, n))] : [0x42, ...signed(BigInt.asIntN(64, n))];
  }

  /** An address near the memory's start, most of the time. */
  private address(depth: number): number[] {
    return this.draw(100) === 0 ? this.value(I32, depth) : [...this.value(I32, depth), 0x41, 0xff, 0x07, 0x71];
  }

  private argument(opcode: number): number[] {
    const offset = this.draw(100) === 0 ? 65530 + this.draw(8) : this.draw(300);
    return [...this.index(this.draw((SIZES[opcode] ?? 0) + 1)), ...this.index(offset)];
  }

  private nested(opcode: number, type: Type | typeof VOID, body: () => number[]): number[] {
    this.labels.push(opcode === 0x03 ? LOOP : type);
    const inside = body();
    this.labels.pop();
    return [opcode, type, ...inside];
  }

  /** Code that leaves a value of that type. */
  value(type: Type, depth = 0): number[] {
    if (depth > 5 || this.budget-- <= 0) return this.leaf(type);
    const deeper = depth + 1, other = this.one([I32, I64] as const), v = (t: Type): number[] => this.value(t, deeper);
    switch (this.draw(13)) {
      case 0: return [...v(type), this.one(UNARY[type])];
      case 1: case 2: case 3: {
        const opcode = this.one(BINARY[type]), nth = opcode - BINARY[type][0]!, isDivision = nth > 2 && nth < 7;
        // Few divisions by zero: what traps is soon over.
        const one = type === I32 ? [0x41, 1, 0x72] : [0x42, 1, 0x84], odd = isDivision && this.draw(20) > 0 ? one : [];
        return [...v(type), ...v(type), ...odd, opcode];
      }
      case 4: {
        if (type === I64) return [...v(I32), this.one([0xac, 0xad])];
        return [...v(other), ...v(other), this.one(COMPARED[other])];
      }
      case 5: return type === I32 ? [...v(I64), 0xa7] : [...v(I32), ...v(I32), 0x6a, 0xac];
      case 6: {
        const opcode = this.one(LOADS[type]);
        return [...this.address(deeper), opcode, ...this.argument(opcode)];
      }
      case 7: return [...v(type), ...v(type), ...v(I32), 0x1b];
      case 8: return [...this.nested(0x02, type, () => [...this.statement(deeper), ...v(type)]), 0x0b];
      case 9: {
        const both = (): number[] => [...this.statement(deeper), ...v(type), 0x05, ...v(type)];
        return [...v(I32), ...this.nested(0x04, type, both), 0x0b];
      }
      case 10: return this.called(type, deeper);
      case 11: return [...v(type), 0x22, ...this.index(this.local(type))];
      default: return this.leaf(type);
    }
  }

  private local(type: Type): number {
    return this.one([...this.locals.keys()].filter((i) => this.locals[i] === type));
  }

  private leaf(type: Type): number[] {
    if (this.draw(2) === 0) return this.constant(type);
    return this.draw(4) === 0 ? [0x23, ...this.index(type === I32 ? 0 : 1)] : [0x20, ...this.index(this.local(type))];
  }

  /** Only functions behind this one are called, so that all end. */
  private called(type: Type, depth: number): number[] {
    const there = [...this.all.keys()].filter((i) => i > this.self && this.all[i]!.result === type);
    if (there.length === 0) return this.leaf(type);
    const callee = this.one(there), values = this.all[callee]!.parameters.flatMap((t) => this.value(t, depth));
    if (this.draw(3) > 0) return [...values, 0x10, ...this.index(callee)];
    // Through the table, where function i is element i; now and then what is not there, or of another type.
    const element = this.draw(10) === 0 ? this.draw(this.all.length + 3) : callee;
    if (element <= this.self) return this.leaf(type);
    return [...values, 0x41, ...signed(BigInt(element)), 0x11, ...this.index(callee), 0];
  }

  /** Code that leaves nothing. */
  statement(depth: number): number[] {
    if (depth > 5 || this.budget-- <= 0) return [0x01];
    const type = this.one([I32, I64] as const), deeper = depth + 1, v = (t: Type): number[] => this.value(t, deeper);
    const some = (): number[] => [...this.statement(deeper), ...this.statement(deeper)];
    switch (this.draw(10)) {
      case 0: return [...v(type), 0x21, ...this.index(this.local(type))];
      case 1: return [...v(type), 0x24, type === I32 ? 0 : 1];
      case 2: {
        const opcode = this.one(STORES[type]);
        return [...this.address(deeper), ...v(type), opcode, ...this.argument(opcode)];
      }
      case 3: return [...v(I32), ...this.nested(0x04, VOID, some), 0x0b];
      case 4: return [...v(I32), ...this.nested(0x04, VOID, () => [...some(), 0x05, ...some()]), 0x0b];
      case 5: return this.loop(deeper);
      case 6: {
        const inside = (): number[] => [...some(), ...this.branch(deeper), ...this.statement(deeper)];
        return [...this.nested(0x02, VOID, inside), 0x0b];
      }
      case 7: {
        const size = [0x41, ...signed(BigInt(this.draw(64)))], bulk = this.draw(2) === 0 ? [10, 0, 0] : [11, 0];
        return [...this.address(deeper), ...this.address(deeper), ...size, 0xfc, ...bulk];
      }
      case 8: return [...v(type), 0x1a];
      default: return [...some()];
    }
  }

  /** A loop of a few rounds, counted in the last local, which nothing else knows. */
  private loop(depth: number): number[] {
    const counter = unsigned(this.locals.length);
    const isLess = [0x20, ...counter, 0x41, 1, 0x6a, 0x22, ...counter, 0x41, 4, 0x48];
    const inside = (): number[] => [...this.nested(0x03, VOID, () => this.statement(depth)), ...isLess, 0x0d, 0, 0x0b];
    return [...isLess, ...this.nested(0x04, VOID, inside), 0x0b];
  }

  /** A branch forward, of any kind; what follows it may never be reached. */
  private branch(depth: number): number[] {
    const v = (t: Type): number[] => this.value(t, depth);
    const last = this.labels.length - 1, to = [...this.labels.keys()].filter((i) => this.labels[i] === VOID);
    switch (this.draw(4)) {
      case 0: return [...v(this.labels[0] as Type), ...v(I32), 0x0d, ...unsigned(last), 0x1a];
      case 1: return to.length === 0 ? [0x01] : [...v(I32), 0x0d, ...unsigned(last - this.one(to))];
      case 2: {
        const label = (): number[] => unsigned(last - this.one(to));
        return to.length === 0 ? [0x01] : [...v(I32), 0x0e, ...vector(range(0, this.draw(4)).map(label)), ...label()];
      }
      default: return [...v(I32), 0x04, VOID, ...v(this.labels[0] as Type), 0x0f, 0x0b];
    }
  }
}

/** A module from a seed, and what its functions f0, f1 … take. */
export function randomModule(seed: number): { bytes: Uint8Array; signatures: Signature[] } {
  const draw = drawn(seed), types = (n: number): Type[] => range(1, n).map(() => (draw(2) === 0 ? I32 : I64));
  const signatures = range(0, 2 + draw(5)).map((): Signature => ({ parameters: types(draw(4)), result: types(1)[0]! }));
  const bodies = signatures.map((_, i) => {
    const own: Type[] = [I32, I64, ...types(draw(3))], body = new Body(draw, i, signatures, own);
    const code = [...body.statement(0), ...body.statement(0), ...body.value(signatures[i]!.result), 0x0b];
    // The counter of loops is one local more.
    const bytes = [...vector([...own, I32].map((t) => [1, t])), ...code];
    return [...unsigned(bytes.length), ...bytes];
  });
  const name = (text: string): number[] => vector([...text].map((c) => [c.charCodeAt(0)]));
  const exports = [[...name("memory"), 2, 0], ...signatures.map((_, i) => [...name(`f${i}`), 0, ...unsigned(i)])];
  const data = [0, 0x41, 8, 0x0b, ...vector(range(0, 99).map(() => [draw(256)]))];
  return { signatures, bytes: Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, vector(signatures.map((s) => [0x60, ...vector(s.parameters.map((t) => [t])), 1, s.result]))),
    ...section(3, vector(signatures.map((_, i) => unsigned(i)))),
    ...section(4, [1, 0x70, 0, signatures.length + 1]), ...section(5, [1, 0, 1]),
    ...section(6, vector([[I32, 1, 0x41, 5, 0x0b], [I64, 1, 0x42, 0x7b, 0x0b]])), ...section(7, vector(exports)),
    ...section(9, vector([[0, 0x41, 0, 0x0b, ...vector(signatures.map((_, i) => unsigned(i)))]])),
    ...section(10, vector(bodies)), ...section(11, vector([data]))]) };
}
