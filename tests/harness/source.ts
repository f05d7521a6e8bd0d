/**
 * The sources of the module as a graph: who imports what, who exports what, who assigns what. Read by
 * tests/host/source.test.ts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import ts from "typescript";

/** Paths and texts. */
export type Tree = ReadonlyMap<string, string>;

/** All sources below the folders, by path. */
export function tree(...folders: string[]): Map<string, string> {
  const paths = folders.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".ts")).map((f) => posix.join(folder, f)));
  return new Map(paths.sort().map((path) => [path, readFileSync(path, "utf8")]));
}

export interface Import {
  /** The file that is imported; undefined: a package. */
  target: string | undefined;
  /** What is imported; "*": all of it; none: the import is there for its side effects. */
  names: string[];
}

const parsed = new Map<string, ts.SourceFile>();

function parse(text: string): ts.SourceFile {
  let file = parsed.get(text);
  if (file === undefined) parsed.set(text, file = ts.createSourceFile("source.ts", text, ts.ScriptTarget.Latest, true));
  return file;
}

/** What a file imports, and what it exports of other files. */
function imports(path: string, text: string): Import[] {
  return parse(text).statements.flatMap((s) => {
    if (!(ts.isImportDeclaration(s) || ts.isExportDeclaration(s)) || s.moduleSpecifier === undefined) return [];
    const from = (s.moduleSpecifier as ts.StringLiteral).text;
    const clause = ts.isImportDeclaration(s) ? s.importClause?.namedBindings : s.exportClause;
    const names =
      clause === undefined
        ? ts.isExportDeclaration(s)
          ? ["*"]
          : []
        : ts.isNamedImports(clause) || ts.isNamedExports(clause)
          ? clause.elements.map((e) => (e.propertyName ?? e.name).getText())
          : ["*"];
    return [{ target: from.startsWith(".") ? `${posix.join(posix.dirname(path), from)}.ts` : undefined, names }];
  });
}

/** The first layer that a file is in: a folder itself, without those in it, or a file. Undefined: none. */
function layer(path: string, order: readonly string[]): number | undefined {
  const name = path.replace(/^assembly\//, ""), at = order.findIndex((l) => l === name || l === posix.dirname(name));
  return at < 0 ? undefined : at;
}

/**
 * What breaks the layers: files that are in none, imports that go up, or sideways between the `apart`, imports without
 * names, and imports of what is not there. `order`: folders and files below assembly/, the lowest first.
 */
export function layerFaults(sources: Tree, order: readonly string[], apart: readonly string[][]): string[] {
  const faults: string[] = [];
  const side = (path: string): string => path.split("/")[1]!;
  const isIn = (group: readonly string[]) => (name: string): boolean => group.includes(name);
  for (const [path, text] of sources) {
    const own = layer(path, order);
    if (own === undefined) faults.push(`${path} is in no layer`);
    for (const { target, names } of imports(path, text)) {
      if (target === undefined) faults.push(`${path} imports a package`);
      else if (!sources.has(target)) faults.push(`${path} imports ${target}, which is not there`);
      else if (names.length === 0) faults.push(`${path} imports ${target} for its side effects`);
      else if (own !== undefined && (layer(target, order) ?? -1) > own) {
        faults.push(`${path} imports ${target}, which is above it`);
      } else if (side(path) !== side(target) && apart.some((group) => [path, target].map(side).every(isIn(group)))) {
        faults.push(`${path} imports ${target}, which is beside it`);
      }
    }
  }
  return faults;
}

/** One circle of imports, if there is any: its files, the first of them once more at the end. */
export function circle(sources: Tree): string[] {
  const targets = (path: string, text: string): Set<string> =>
    new Set(imports(path, text).flatMap(({ target }) => (target === undefined ? [] : [target])));
  return circleOf(new Map([...sources].map(([path, text]) => [path, targets(path, text)])));
}

/** The same of files and those that each of them imports. */
export function circleOf(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const done = new Set<string>(), way: string[] = [];
  const visit = (file: string): string[] => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return [];
    way.push(file);
    for (const target of graph.get(file) ?? []) {
      const found = visit(target);
      if (found.length > 0) return found;
    }
    way.pop();
    done.add(file);
    return [];
  };
  for (const file of graph.keys()) {
    const found = visit(file);
    if (found.length > 0) return found;
  }
  return [];
}

const has = (node: ts.Node, kind: ts.SyntaxKind): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some((m) => m.kind === kind) ?? false);

/** What a file declares at its top, exported or not: name and node. */
function declarations(text: string): { name: string; node: ts.Statement; exported: boolean }[] {
  return parse(text).statements.flatMap((node) => {
    // What the compiler calls by its name is there for it, exported or not.
    const exported = has(node, ts.SyntaxKind.ExportKeyword), global = /^@global\b/m.test(node.getText());
    if (global) return [];
    if (ts.isVariableStatement(node))
      return node.declarationList.declarations.map((d) => ({ name: d.name.getText(), node, exported }));
    const name = (node as { name?: ts.Identifier }).name?.text;
    return name === undefined ? [] : [{ name, node, exported }];
  });
}

/** Words that a node has as names: comments and texts are none. */
function namesIn(node: ts.Node): Set<string> {
  const found = new Set<string>();
  const visit = (child: ts.Node): void => {
    if (ts.isIdentifier(child)) found.add(child.text);
    child.forEachChild(visit);
  };
  visit(node);
  return found;
}

/** `a.b` with `import * as a`: what such an import names, as "target name". */
function starNames(path: string, node: ts.Node): string[] {
  const stars = starsOf(path, node.getSourceFile()), found: string[] = [];
  const visit = (child: ts.Node): void => {
    if (ts.isPropertyAccessExpression(child) && ts.isIdentifier(child.expression)) {
      const target = stars.get(child.expression.text);
      if (target !== undefined) found.push(`${target} ${child.name.text}`);
    }
    child.forEachChild(visit);
  };
  visit(node);
  return found;
}

/** Files by the names that `import * as name` gives them. */
function starsOf(path: string, file: ts.SourceFile): Map<string, string> {
  return new Map(file.statements.filter(ts.isImportDeclaration).flatMap((s): [string, string][] => {
    const clause = s.importClause?.namedBindings;
    return clause && ts.isNamespaceImport(clause) ? [[clause.name.text, imports(path, s.getText())[0]!.target!]] : [];
  }));
}

/** What a file hands on of another one, or exports by a list: "target name"; "target *": all of it. */
function handedOn(path: string, text: string): string[] {
  return parse(text).statements.filter(ts.isExportDeclaration).flatMap((s) => {
    const names = s.exportClause && ts.isNamedExports(s.exportClause)
      ? s.exportClause.elements.map((e) => (e.propertyName ?? e.name).text) : ["*"];
    const target = s.moduleSpecifier === undefined ? path : imports(path, s.getText())[0]!.target!;
    return names.map((name) => `${target} ${name}`);
  });
}

/**
 * What nothing leads to, from what `entries` export, what `users` import, and what stands outside of declarations:
 * "file name". `entries`: files that are there to export; only they hand on what others export.
 */
export function dead(sources: Tree, users: Tree, entries: readonly string[]): string[] {
  const ways = new Map<string, Set<string>>(), exported = new Set<string>();
  const roots: string[] = [], faults: string[] = [];
  for (const [path, text] of [...sources, ...users]) {
    const known = importedBy(path, text), isUser = users.has(path), isEntry = entries.includes(path);
    const all = declarations(text);
    for (const { name } of all) known.set(name, `${path} ${name}`);
    const of = (node: ts.Node): string[] =>
      [...[...namesIn(node)].flatMap((name) => known.get(name) ?? []), ...starNames(path, node)];
    for (const d of all) {
      const key = `${path} ${d.name}`, own = of(d.node);
      ways.set(key, new Set([...ways.get(key) ?? [], ...own]));
      if (d.exported) exported.add(key);
      if (isUser || (isEntry && d.exported)) roots.push(key);
    }
    for (const s of parse(text).statements) {
      const isDeclaration = ts.isVariableStatement(s) || (s as { name?: ts.Node }).name !== undefined;
      const isGlobal = /^@global\b/m.test(s.getText());
      if (isUser || isGlobal || (!isDeclaration && !ts.isImportDeclaration(s) && !ts.isExportDeclaration(s)))
        roots.push(...of(s));
    }
    const handed = handedOn(path, text);
    if (isUser || isEntry) roots.push(...handed);
    else faults.push(...handed.map((what) => `${path} ${what.split(" ")[1]}`));
  }
  const live = new Set<string>(), open = [...roots];
  for (let at; (at = open.pop()) !== undefined;) {
    if (live.has(at)) continue;
    live.add(at);
    if (at.endsWith(" *")) open.push(...[...exported].filter((key) => key.startsWith(at.slice(0, -1))));
    open.push(...ways.get(at) ?? []);
  }
  // What only its own file names need not be exported.
  const taken = new Set([...sources, ...users].flatMap(([path, text]) => [
    ...imports(path, text).flatMap(({ target, names }) => names.map((name) => `${target} ${name}`)),
    ...starNames(path, parse(text)),
  ]));
  const isOut = (key: string, path: string): boolean =>
    entries.includes(path) || taken.has(key) || taken.has(`${path} *`);
  return [...faults, ...[...sources].flatMap(([path, text]) => declarations(text)
    .filter((d) => !live.has(`${path} ${d.name}`) || (d.exported && !isOut(`${path} ${d.name}`, path)))
    .map((d) => `${path} ${d.name}`))];
}

/** What files import and do not use: "file name". */
export function unused(sources: Tree): string[] {
  return [...sources].flatMap(([path, text]) => parse(text).statements.flatMap((s) => {
    const clause = ts.isImportDeclaration(s) ? s.importClause?.namedBindings : undefined;
    if (clause === undefined || !ts.isNamedImports(clause)) return [];
    const rest = new Set(parse(text).statements.filter((other) => other !== s).flatMap((other) => [...namesIn(other)]));
    return clause.elements.map((e) => e.name.text).filter((name) => !rest.has(name)).map((name) => `${path} ${name}`);
  }));
}

/** Functions and methods with more lines than that: "file name". A `describe` is a chapter of tests, no function. */
export function tall(sources: Tree, most: number): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    const file = parse(text), lineOf = (at: number): number => file.getLineAndCharacterOfPosition(at).line;
    const visit = (node: ts.Node): void => {
      const isChapter = ts.isCallExpression(node.parent) && node.parent.expression.getText() === "describe";
      if (ts.isFunctionLike(node) && !isChapter && lineOf(node.end) - lineOf(node.getStart()) >= most)
        found.push(`${path} ${node.name?.getText() ?? ""}`.trim());
      node.forEachChild(visit);
    };
    file.forEachChild(visit);
  }
  return found;
}

/** The same of other languages, whose functions begin at the edge and end with a brace there: "file first line". */
export function tallByBraces(sources: Tree, most: number): string[] {
  return [...sources].flatMap(([path, text]) =>
    [...text.matchAll(/^(?:\w[^\n;=]*\) *(?:->[^\n{]*)?\n?\{|(?:func|pub|fn|unsafe) [^\n]*\{)\n[\s\S]*?^\}/gm)]
      .filter(([whole]) => whole.split("\n").length > most)
      .map(([whole]) => `${path} ${whole.split("\n")[0]}`));
}

/** All functions and methods that have a name: "file name". */
export function functions(sources: Tree): string[] {
  return [...sources].flatMap(([path, text]) =>
    functionsOf(text).map(({ name }) => `${path} ${name.replace(/^\./, "")}`));
}

/** Names that more than one function has, or more than one that is exported: "name: file file". */
export function twins(sources: Tree, which: "all" | "exported" = "all"): string[] {
  const places = new Map<string, string[]>();
  for (const [path, text] of sources) {
    for (const s of parse(text).statements) {
      if (!ts.isFunctionDeclaration(s) || (which === "exported" && !has(s, ts.SyntaxKind.ExportKeyword))) continue;
      const name = s.name!.text;
      places.set(name, [...places.get(name) ?? [], path]);
    }
  }
  return [...places].filter(([, paths]) => paths.length > 1).map(([name, paths]) => `${name}: ${paths.join(" ")}`);
}

/** `true` and `false`, and numbers that stand for them. */
function isBoolean(node: ts.Expression): boolean {
  if (ts.isPrefixUnaryExpression(node))
    return node.operator === ts.SyntaxKind.ExclamationToken && ts.isNumericLiteral(node.operand);
  if (ts.isTypeAssertionExpression(node)) return node.type.getText() === "bool" && ts.isNumericLiteral(node.expression);
  return node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword;
}

/** Calls that are given `true` or `false` itself: "file call". */
export function bareBooleans(sources: Tree): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    const visit = (node: ts.Node): void => {
      if (
        ts.isCallExpression(node)
        && node.arguments.some(isBoolean)
      ) {
        found.push(`${path} ${node.getText()}`);
      }
      node.forEachChild(visit);
    };
    parse(text).forEachChild(visit);
  }
  return found;
}

/** Words of a name: `a.remoteIp` has "remote" and "ip", `lport` has "l" and "port". What is no name has none. */
function wordsOf(name: string): string[] {
  if (!/^[\w.]+$/.test(name)) return [];
  const last = name.slice(name.lastIndexOf(".") + 1);
  return last.split(/(?=[A-Z])/).flatMap((word) => {
    const [, side, what] = /^([lr])(ip|port)$/.exec(word) ?? [];
    return side === undefined ? [word.toLowerCase()] : [side, what!];
  });
}

/** Whether a name is that of an address, or a port; of the local side, or the remote one. */
function endOf(name: string): { what: "ip" | "port" | undefined; side: "local" | "remote" | "" } {
  const all = wordsOf(name), has = (...some: string[]): boolean => some.some((word) => all.includes(word));
  const side = has("l", "local") ? "local" : has("r", "remote") ? "remote" : "";
  return { what: has("port") ? "port" : has("ip", "address") ? "ip" : undefined, side };
}

/**
 * Whether names have the wrong order: the local side comes before the remote one, and a port right behind its address.
 */
function isMixed(names: readonly string[]): boolean {
  const ends = names.map(endOf), at = (what: string, side: string): number =>
    ends.findIndex((end) => end.what === what && end.side === side);
  const isLate = ["ip", "port"].some((what) => {
    const [l, r] = [at(what, "local"), at(what, "remote")];
    return l >= 0 && r >= 0 && r < l;
  });
  return isLate || ["", "local", "remote"].some((side) => {
    const [ip, port] = [at("ip", side), at("port", side)];
    return ip >= 0 && port >= 0 && port !== ip + 1;
  });
}

/** Parameters and arguments whose order is not that of the others: "file text". */
export function remoteFirst(sources: Tree): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && isMixed(node.arguments.map((a) => a.getText())))
        found.push(`${path} ${node.getText()}`);
      if (ts.isFunctionLike(node) && isMixed(node.parameters.map((p) => p.name.getText())))
        found.push(`${path} ${node.name?.getText()}`);
      node.forEachChild(visit);
    };
    parse(text).forEachChild(visit);
  }
  return found;
}

/** What a node assigns, or counts up or down: the left side; undefined: it does neither. */
function assigned(node: ts.Node): ts.Expression | undefined {
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment ? node.left : undefined;
  }
  if (ts.isPostfixUnaryExpression(node)) return node.operand;
  if (!ts.isPrefixUnaryExpression(node)) return undefined;
  const counts = [ts.SyntaxKind.PlusPlusToken, ts.SyntaxKind.MinusMinusToken].includes(node.operator);
  return counts ? node.operand : undefined;
}

/** A left side by the names that its parts have where they are declared: `a.b.c` with `import * as a` is `b.c`. */
function declaredAs(path: string, left: ts.Expression): string {
  const file = left.getSourceFile(), known = importedBy(path, file.text), stars = starsOf(path, file);
  const parts = left.getText().split(".");
  if (stars.has(parts[0]!)) return parts.slice(1).join(".");
  return [known.get(parts[0]!)?.split(" ")[1] ?? parts[0]!, ...parts.slice(1)].join(".");
}

/** What assigns a field or a variable outside of functions, or stores bytes, by itself. */
function stores(node: ts.Node, locals: ReadonlySet<string>): boolean {
  const left = assigned(node);
  if (left !== undefined && !(ts.isIdentifier(left) && locals.has(left.text))) return true;
  if (ts.isCallExpression(node) && STORES.test(node.expression.getText()))
    return true;
  return node.getChildren().some((child) => stores(child, locals));
}

type Called = ts.FunctionDeclaration | ts.MethodDeclaration | ts.GetAccessorDeclaration;

/** Calls that write memory. */
const STORES =
  /^(store|memory\.(?!size|data|compare)\w+|([iuf]\d+|v128)\.(atomic\.)?store\w*|atomic\.(?!load|fence)\w+)\b/;

/** The functions of a file, its methods among them, by the names that calls in it have. */
function functionsOf(text: string): { name: string; node: Called }[] {
  const { statements } = parse(text);
  return [
    ...statements.filter(ts.isFunctionDeclaration).filter((f) => f.body !== undefined)
      .map((node) => ({ name: node.name!.text, node })),
    ...statements.filter(ts.isClassDeclaration).flatMap((c) => c.members)
      .filter((m) => ts.isMethodDeclaration(m) || ts.isGetAccessorDeclaration(m))
      .map((node) => ({ name: `.${node.name.getText()}`, node })),
  ];
}

/** Where what a file calls by a name is declared: "path name", by the name. `a.b` is what `import * as a` has of b. */
function importedBy(path: string, text: string): Map<string, string> {
  const known = new Map<string, string>();
  for (const s of parse(text).statements) {
    const clause = ts.isImportDeclaration(s) ? s.importClause?.namedBindings : undefined;
    if (clause === undefined || !ts.isNamedImports(clause)) continue;
    const [{ target }] = imports(path, s.getText()) as [Import];
    for (const e of clause.elements) known.set(e.name.text, `${target} ${(e.propertyName ?? e.name).text}`);
  }
  return known;
}

/** Names of enumerations. */
function enums(sources: Tree): string[] {
  return [...sources.values()].flatMap((text) => parse(text).statements.filter(ts.isEnumDeclaration))
    .map((e) => e.name.text);
}

/**
 * Functions and methods that answer, and write memory, or call what does, by the graph of calls: "file name". They
 * return whether something is so, or are named like it; `"numbers"`: functions that return an i32, or a value of an
 * enumeration. A method acts if one of its name does.
 */
export function actingAnswers(sources: Tree, what: "bool" | "numbers"): string[] {
  const calls = new Map<string, Set<string>>(), acts = new Set<string>();
  const asked: { key: string; where: string }[] = [], numbers = new Set(["i32", ...enums(sources)]);
  for (const [path, text] of sources) {
    const known = importedBy(path, text), all = functionsOf(text), stars = starsOf(path, parse(text));
    for (const { name } of all) if (!name.startsWith(".")) known.set(name, `${path} ${name}`);
    for (const { name, node } of all) {
      const key = name.startsWith(".") ? name : `${path} ${name}`, called = calls.get(key) ?? new Set();
      const locals = new Set(node.parameters.map((p) => p.name.getText()));
      const visit = (child: ts.Node): void => {
        if (ts.isVariableDeclaration(child)) locals.add(child.name.getText());
        if (ts.isCallExpression(child)) {
          const to = child.expression;
          if (ts.isIdentifier(to)) called.add(known.get(to.text) ?? to.text);
          else if (ts.isPropertyAccessExpression(to)) {
            const star = stars.get(to.expression.getText());
            called.add(star === undefined ? `.${to.name.text}` : `${star} ${to.name.text}`);
          }
        }
        child.forEachChild(visit);
      };
      node.body!.forEachChild(visit);
      calls.set(key, called);
      if (stores(node.body!, locals)) acts.add(key);
      const type = node.type?.getText() ?? "";
      const isAsked = what === "numbers" ? !name.startsWith(".") && numbers.has(type)
        : type === "bool" || /^\.?(is|has|may|can|should|needs)[A-Z]/.test(name);
      if (isAsked) asked.push({ key, where: `${path} ${name}` });
    }
  }
  for (let more = true; more;) {
    more = false;
    for (const [name, called] of calls) {
      if (acts.has(name) || ![...called].some((c) => acts.has(c))) continue;
      acts.add(name);
      more = true;
    }
  }
  return asked.filter(({ key }) => acts.has(key)).map(({ where }) => where);
}

/** Variables outside of functions, in namespaces too: "file name". */
export function globals(sources: Tree): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    const visit = (node: ts.Node, within: string): void => {
      if (ts.isVariableStatement(node) && (node.declarationList.flags & ts.NodeFlags.Const) === 0) {
        for (const d of node.declarationList.declarations) found.push(`${path} ${within}${d.name.getText()}`);
      }
      if (ts.isClassDeclaration(node)) for (const m of node.members) {
        const { StaticKeyword, ReadonlyKeyword } = ts.SyntaxKind;
        if (ts.isPropertyDeclaration(m) && has(m, StaticKeyword) && !has(m, ReadonlyKeyword))
          found.push(`${path} ${node.name!.text}.${m.name.getText()}`);
      }
      if (ts.isModuleDeclaration(node)) node.body?.forEachChild((child) => visit(child, `${node.name.text}.`));
    };
    parse(text).forEachChild((node) => visit(node, ""));
  }
  return found;
}

/** Files that assign, or count up or down, what `pattern` matches: the left side as it is written. */
export function writers(sources: Tree, pattern: RegExp): string[] {
  const found = new Set<string>();
  for (const [path, text] of sources) {
    const visit = (node: ts.Node): void => {
      const left = assigned(node);
      if (left !== undefined && pattern.test(declaredAs(path, left))) found.add(path);
      node.forEachChild(visit);
    };
    parse(text).forEachChild(visit);
  }
  return [...found];
}

/**
 * Where variables outside of functions are assigned, but for those in namespaces, in their own file or in one that
 * imports them: "file name" and the function, or "a method".
 */
export function globalWrites(sources: Tree): { variable: string; by: string }[] {
  const found: { variable: string; by: string }[] = [], all = new Set(globals(sources));
  for (const [path, text] of sources) {
    const known = importedBy(path, text), visit = (node: ts.Node): void => {
      const left = assigned(node), name = left && declaredAs(path, left);
      const variable = [`${path} ${name}`, known.get(left?.getText() ?? "") ?? ""].find((v) => all.has(v));
      if (variable !== undefined && !isInNamespace(node)) found.push({ variable, by: functionOf(node) || "a method" });
      node.forEachChild(visit);
    };
    parse(text).forEachChild(visit);
  }
  return found;
}

function isInNamespace(node: ts.Node): boolean {
  return ts.isModuleDeclaration(node) || (node.parent !== undefined && isInNamespace(node.parent));
}

/** Who calls a function that `pattern` matches: "file function", and the function that is called. */
export function callers(sources: Tree, pattern: RegExp): { by: string; called: string }[] {
  const found: { by: string; called: string }[] = [];
  for (const [path, text] of sources) {
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && pattern.test(declaredAs(path, node.expression)))
        found.push({ by: `${path} ${functionOf(node)}`, called: declaredAs(path, node.expression) });
      node.forEachChild(visit);
    };
    parse(text).forEachChild(visit);
  }
  return found;
}

/** The function that a node stands in; "": none. */
function functionOf(node: ts.Node): string {
  let at: ts.Node | undefined = node;
  while (at !== undefined && !ts.isFunctionDeclaration(at)) at = at.parent;
  return (at as ts.FunctionDeclaration | undefined)?.name?.text ?? "";
}

/**
 * Where memory is read or written at an address and a number, and where memory is taken by a number of bytes that no
 * word has: "file function". Numbers are places in a layout, which a class would name.
 */
export function placesByNumber(sources: Tree): string[] {
  let constants = new Map<string, ts.Expression>();
  // A constant that is a number says no more about the layout than the number.
  const isNumber = (node: ts.Node | undefined, least: number): boolean =>
    node !== undefined && (ts.isNumericLiteral(node) ? Number(node.text.replace(/_/g, "")) >= least
      : ts.isIdentifier(node) && isNumber(constants.get(node.text), least));
  const hasNumber = (node: ts.Node | undefined): boolean =>
    node !== undefined && ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken
    && (isNumber(node.right, 1) || isNumber(node.left, 1) || hasNumber(node.left));
  const found = new Set<string>();
  for (const [path, text] of sources) {
    constants = new Map(parse(text).statements.filter(ts.isVariableStatement).flatMap((s) =>
      s.declarationList.declarations.flatMap((d) =>
        d.initializer && ts.isNumericLiteral(d.initializer) ? [[d.name.getText(), d.initializer]] : [])));
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node)) {
        const [first, second, third] = node.arguments, called = node.expression.getText();
        const byNumber = called === "load" || called === "v128.load" ? hasNumber(first) || isNumber(second, 1)
          : called === "store" || called === "v128.store" ? hasNumber(first) || isNumber(third, 1)
          : called === "memory.data" ? node.typeArguments === undefined && isNumber(first, 1)
          : called === "take" ? isNumber(second, 17) : false;
        if (byNumber) found.add(`${path} ${functionOf(node)}`.trim());
      }
      node.forEachChild(visit);
    };
    parse(text).forEachChild(visit);
  }
  return [...found];
}

/** Constants that are a number and are named like a place or a size: "file name". */
export function sizesByNumber(sources: Tree): string[] {
  const named = /^CONTROL|(^|_)(SIZE|STRIDE|RECORD|ENTRY|BLOCK|HEAD|SHARED|OFFSET|PLACE|AT|RX|TX)$/;
  return [...sources].flatMap(([path, text]) => declarations(text).flatMap(({ name, node }) => {
    if (!ts.isVariableStatement(node) || !named.test(name)) return [];
    const value = node.declarationList.declarations.find((d) => d.name.getText() === name)!.initializer;
    return value !== undefined && ts.isNumericLiteral(value) && value.text !== "0" ? [`${path} ${name}`] : [];
  }));
}
