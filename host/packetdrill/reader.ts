/** A script's text: comments and #ifdef taken out, and a reader that knows where it is. */

export class SyntaxError extends Error {
  constructor(readonly file: string, readonly line: number, readonly column: number, what: string) {
    super(`${file}:${line}:${column}: ${what}`);
  }
}

/** What stands behind a directive: a name, `defined` and a name, or nothing. */
function subject(directive: string): RegExp {
  if (/^(ifdef|ifndef|define|undef)$/.test(directive)) return /^\s*(\w+)\s*$/;
  return /^(if|elif)$/.test(directive) ? /^\s*(?:defined\s*(?:\(\s*)?)(\w+)\s*\)?\s*$/ : /^()\s*$/;
}

/**
 * Blanks out comments and the branches of #ifdef that are not taken; lines and columns stay. Strings, commands and code
 * are left as they are.
 */
export function preprocess(text: string, given: Set<string>, file: string): string {
  const blank = (s: string): string => s.replace(/[^\n]/g, " "), defines = new Set(given);
  const kept: { at: number; text: string }[] = [];
  // What may hold something that looks like a comment stands aside, as marks of the same length.
  const comments = [
    /\/\*[\s\S]*?\*\//, /(?<=^|\s)\/\/.*/,
    /(?<=^|\s)#(?!\s*(?:ifn?def|if|elif|else|endif|define|undef|include)\b).*/,
  ];
  const texts = [/`[^`]*`/, /%\{[\s\S]*?\}%/, /"(?:[^"\\\n]|\\.)*"/];
  const aside = new RegExp([...comments, ...texts].map((r) => r.source).join("|"), "gm");
  text = text.replace(aside, (s: string, at: number) => {
    if (s.startsWith("/") || s.startsWith("#")) return blank(s);
    kept.push({ at, text: s });
    return s.replace(/[^\n]/g, "\u0001");
  });
  const taken: { now: boolean; any: boolean }[] = [];
  const lines = text.split("\n").map((line, i) => {
    const directive = /^\s*#\s*(ifdef|ifndef|if|elif|else|endif|define|undef|include)\b(.*)$/.exec(line);
    const isTaken = taken.every((t) => t.now);
    if (directive) {
      const [, word, rest] = directive as unknown as [string, string, string];
      const name = subject(word).exec(rest)?.[1];
      if (name === undefined || word === "include") {
        throw new SyntaxError(file, i + 1, 1, `#${word}${rest} is not understood`);
      }
      const top = taken.at(-1);
      if (word === "ifdef" || word === "if") taken.push({ now: defines.has(name), any: defines.has(name) });
      else if (word === "ifndef") taken.push({ now: !defines.has(name), any: !defines.has(name) });
      else if (word === "define") void (isTaken && defines.add(name));
      else if (word === "undef") void (isTaken && defines.delete(name));
      else if (!top) throw new SyntaxError(file, i + 1, 1, `#${word} without #ifdef`);
      else if (word === "else") [top.now, top.any] = [!top.any, true];
      else if (word === "elif") [top.now, top.any] = [!top.any && defines.has(name), top.any || defines.has(name)];
      else taken.pop();
      return blank(line);
    }
    return isTaken ? line : blank(line);
  });
  if (taken.length > 0) throw new SyntaxError(file, lines.length, 1, "#ifdef without #endif");
  let out = lines.join("\n");
  for (const k of kept) if (out[k.at] === "\u0001") out = out.slice(0, k.at) + k.text + out.slice(k.at + k.text.length);
  return out;
}

/** A place in a script's text, and what may be taken there. White space before it is passed over. */
export class Reader {
  at = 0;
  depth = 0;
  /** Where the line begins that was asked for last, and its number: each question goes on from there. */
  #lineAt = 0;
  #line = 1;
  constructor(readonly text: string, readonly file: string) {}

  /** Line and column, both from 1. Cheap as long as places are asked for in their order. */
  position(at = this.at): { line: number; column: number } {
    if (at < this.#lineAt) [this.#lineAt, this.#line] = [0, 1];
    for (;;) {
      const end = this.text.indexOf("\n", this.#lineAt);
      if (end < 0 || end >= at) break;
      this.#lineAt = end + 1;
      this.#line++;
    }
    return { line: this.#line, column: at - this.#lineAt + 1 };
  }

  /** Throws a SyntaxError with the file, line and column of this place. */
  fail(what: string): never {
    const { line, column } = this.position();
    throw new SyntaxError(this.file, line, column, what);
  }

  /** Passes white space over, ends of lines included. */
  space(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at++;
  }

  get done(): boolean {
    this.space();
    return this.at >= this.text.length;
  }

  /** Takes what matches here, after white space; or nothing. */
  take(pattern: RegExp): RegExpExecArray | null {
    const before = this.at;
    this.space();
    const sticky = new RegExp(pattern.source, `${pattern.flags.replace("y", "")}y`);
    sticky.lastIndex = this.at;
    const m = sticky.exec(this.text);
    this.at = m ? this.at + m[0].length : before;
    return m;
  }

  /** As `take`, on this line. */
  takeHere(pattern: RegExp): RegExpExecArray | null {
    return /^[ \t]*\n/.test(this.text.slice(this.at, this.at + 200)) ? null : this.take(pattern);
  }

  /** As `take`; fails where nothing matches. `what` is for the message: "a port was expected". */
  need(pattern: RegExp, what: string): RegExpExecArray {
    const m = this.take(pattern);
    if (m) return m;
    this.space();
    return this.fail(`${what} was expected, not "${this.text.slice(this.at, this.at + 20).split("\n")[0]}"`);
  }

  /** Nothing may follow on this line. */
  endOfLine(): void {
    while (/[ \t\r]/.test(this.text[this.at] ?? "")) this.at++;
    if (this.at < this.text.length && this.text[this.at] !== "\n") this.need(/(?!.)/, "the end of the line");
  }

  /** Up to a closing mark. */
  until(mark: string, what: string): string {
    const end = this.text.indexOf(mark, this.at);
    if (end < 0) this.fail(`${what} does not end`);
    const body = this.text.slice(this.at, end);
    this.at = end + mark.length;
    return body;
  }
}
