/** The host's sources with their types, as tests/host/rules.test.ts looks at them. */
import { resolve } from "node:path";
import ts from "typescript";

export interface Program {
  checker: ts.TypeChecker;
  /** By path from the project's folder. */
  files: Map<string, ts.SourceFile>;
}

/** The program of these files; `more`: texts in the place of files, or beside them. */
export function program(paths: readonly string[], more: ReadonlyMap<string, string> = new Map()): Program {
  const given = ts.getParsedCommandLineOfConfigFile("tsconfig.json", {}, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
    },
  })!;
  const host = ts.createCompilerHost(given.options), { readFile, fileExists } = host;
  const texts = new Map([...more].map(([path, text]) => [resolve(path), text]));
  host.readFile = (path) => texts.get(resolve(path)) ?? readFile(path);
  host.fileExists = (path) => texts.has(resolve(path)) || fileExists(path);
  const made = ts.createProgram([...paths, ...more.keys()].map((path) => resolve(path)), given.options, host);
  const files = new Map([...paths, ...more.keys()].map((path) => [path, made.getSourceFile(resolve(path))!]));
  return { checker: made.getTypeChecker(), files };
}

/** All nodes of a file for which `pick` has something to say, as "line: what it said". */
function said(file: ts.SourceFile, pick: (node: ts.Node) => string | undefined): string[] {
  const out: string[] = [];
  const visit = (node: ts.Node): void => {
    const what = pick(node);
    if (what !== undefined) out.push(`${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${what}`);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return out;
}

const BYTES = /^(?:(?:Big)?(?:Ui|I)nt\d+(?:Clamped)?Array|DataView|(?:NonShared)?Buffer)(<.*>)?$/;
const PLACED = /^(?:[gs]et(?:Big)?(?:U?int|Float)\d+|(?:read|write)(?:Big)?U?Int\d+\w*)$/i;

/** Whether a place is written down: a number from 1 on, or one beyond 1 that something is moved by. */
function isLiteral(place: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(place) || ts.isNonNullExpression(place)) return isLiteral(place.expression);
  if (ts.isNumericLiteral(place)) return Number(place.text) > 0;
  if (!ts.isBinaryExpression(place)) return false;
  const { kind } = place.operatorToken;
  if (kind !== ts.SyntaxKind.PlusToken && kind !== ts.SyntaxKind.MinusToken) return false;
  // The byte beside one is of the same number.
  return [place.left, place.right].some((side) =>
    (ts.isNumericLiteral(side) ? Number(side.text) > 1 : isLiteral(side)));
}

/** Whether a field's place is a constant of the file's own, which says no more than its number. */
function isConstant(place: ts.Expression): boolean {
  if (ts.isIdentifier(place)) return Number(constantOf(place)) > 1;
  return ts.isBinaryExpression(place) && [place.left, place.right].some(isConstant);
}

/** The number that a constant at the top of the same file is; undefined: it is none. */
function constantOf(name: ts.Identifier): string | undefined {
  for (const s of name.getSourceFile().statements) {
    if (!ts.isVariableStatement(s)) continue;
    const found = s.declarationList.declarations.find((d) => d.name.getText() === name.text)?.initializer;
    if (found !== undefined) return ts.isNumericLiteral(found) ? found.text : undefined;
  }
  return undefined;
}

/** Where a name, or a field, was first given its value: what `const` and fields begin with. Undefined: not there. */
function firstOf({ checker }: Program, node: ts.Expression): ts.Expression | undefined {
  if (!ts.isIdentifier(node) && !ts.isPropertyAccessExpression(node)) return undefined;
  const made = checker.getSymbolAtLocation(node)?.valueDeclaration;
  if (made === undefined || !(ts.isVariableDeclaration(made) || ts.isPropertyDeclaration(made))) return undefined;
  return made.initializer;
}

/** An expression without what changes nothing of its value. */
function inner(node: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(node) || ts.isNonNullExpression(node) || ts.isAsExpression(node)
    ? inner(node.expression) : node;
}

/** The number that an expression is by the code alone: a literal, a shift of them, a name of such in any scope. */
function numberOf(all: Program, given: ts.Expression): number | undefined {
  const node = inner(given);
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isPrefixUnaryExpression(node)) {
    const n = numberOf(all, node.operand);
    return n !== undefined && node.operator === ts.SyntaxKind.MinusToken ? -n : n;
  }
  if (ts.isBinaryExpression(node)) {
    if (node.operatorToken.kind !== ts.SyntaxKind.LessThanLessThanToken) return undefined;
    const [left, right] = [numberOf(all, node.left), numberOf(all, node.right)];
    return left === undefined || right === undefined ? undefined : left << right;
  }
  const made = ts.isIdentifier(node) ? firstOf(all, node) : undefined;
  return made === undefined ? undefined : numberOf(all, made);
}

/** Fields whose numbers have names in host/module/layout.ts; of the first three 0 has one, too. */
const CODES = ["state", "timerKind", "origin", "flags", "error", "softError"];

/** The field of a record of the border that an expression is, under whatever name it was kept. */
function codeOf(all: Program, given: ts.Expression): string | undefined {
  const node = inner(given), { checker } = all;
  let field = ts.isPropertyAccessExpression(node) ? checker.getSymbolAtLocation(node.name) : undefined;
  const made = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node)?.valueDeclaration : undefined;
  if (made !== undefined && ts.isBindingElement(made)) {
    const name = (made.propertyName ?? made.name).getText();
    field = checker.getTypeAtLocation(made.parent).getProperty(name);
  }
  const of = field?.declarations?.[0];
  if (of !== undefined && /\/module\/(layout|interface)\.ts$|\/host\/stack\.ts$/.test(of.getSourceFile().fileName))
    return CODES.find((code) => code === field!.name);
  return made !== undefined && ts.isVariableDeclaration(made) && made.initializer !== undefined
    ? codeOf(all, made.initializer) : undefined;
}

/** Where a file compares a state, a flag or an error of the border with a number, or masks it with one. */
export function literalCodes(all: Program, path: string): string[] {
  const clash = (one: ts.Expression, other: ts.Expression): boolean => {
    const n = numberOf(all, other), code = n === undefined ? undefined : codeOf(all, one);
    return code !== undefined && (n !== 0 || CODES.indexOf(code) < 3);
  };
  const asks = /^([!=]==?|[<>]=?|&)$/;
  return said(all.files.get(path)!, (node) => {
    let pair: readonly ts.Expression[] = [];
    if (ts.isBinaryExpression(node) && asks.test(node.operatorToken.getText())) pair = [node.left, node.right];
    else if (ts.isCaseClause(node)) pair = [node.parent.parent.expression, node.expression];
    else if (ts.isCallExpression(node) && /^assert\.\w*[eE]qual$/.test(node.expression.getText()))
      pair = node.arguments.slice(0, 2);
    const [one, other] = pair;
    return one && other && (clash(one, other) || clash(other, one)) ? node.getText().split("\n")[0] : undefined;
  });
}

/**
 * Where a file reads or writes a record of the module at a place that is a number in the code: in what is made of a
 * memory's buffer, or in the order of its bytes, which is not that of a frame.
 */
export function recordPlaces(all: Program, path: string): string[] {
  const isMemory = (node: ts.Expression): boolean =>
    ts.isPropertyAccessExpression(node) && node.name.text === "buffer"
    && /^(WebAssembly\.)?Memory$/.test(all.checker.typeToString(all.checker.getTypeAtLocation(node.expression)));
  const isOfMemory = (given: ts.Expression): boolean => {
    const node = inner(given), made = firstOf(all, node);
    if (ts.isNewExpression(node)) return (node.arguments ?? []).slice(0, 1).some(isMemory);
    return made !== undefined && made !== node && isOfMemory(made);
  };
  const isPlace = (given: ts.Expression | undefined): boolean => {
    if (given === undefined) return false;
    const node = inner(given), n = numberOf(all, node);
    if (n !== undefined && !ts.isBinaryExpression(node)) return n > 1;
    return ts.isBinaryExpression(node) && /^[+-]$/.test(node.operatorToken.getText())
      && [node.left, node.right].some(isPlace);
  };
  return said(all.files.get(path)!, (node) => {
    let isWrong = false;
    if (ts.isNewExpression(node) && BYTES.test(node.expression.getText()))
      isWrong = (node.arguments ?? []).slice(0, 1).some(isMemory) && isPlace(node.arguments![1]);
    else if (ts.isElementAccessExpression(node))
      isWrong = isOfMemory(node.expression) && isPlace(node.argumentExpression);
    else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name, expression } = node.expression, isField = PLACED.test(name.text);
      const isLittle = node.arguments.at(-1)?.kind === ts.SyntaxKind.TrueKeyword;
      const places = /^(slice|subarray)$/.test(name.text) ? node.arguments
        : name.text === "set" ? node.arguments.slice(1) : isField ? node.arguments.slice(0, 1) : [];
      isWrong = places.some(isPlace) && (isOfMemory(expression) || (isField && isLittle));
    }
    return isWrong ? node.getText().split("\n")[0] : undefined;
  });
}

/** Whether bytes are put together of numbers and of something else: a header that is written down. */
function isHeader(node: ts.Node): boolean {
  const isNumber = (e: ts.Expression): boolean => ts.isSpreadElement(e) && /^be\(/.test(e.expression.getText());
  if (ts.isArrayLiteralExpression(node)) return node.elements.some(isNumber);
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return false;
  if (!/^(Uint8Array|Buffer)(\.(from|of))?$/.test(node.expression.getText())) return false;
  const given = node.arguments ?? [], [first] = given;
  const list = first !== undefined && ts.isArrayLiteralExpression(first) ? first.elements : given;
  return list.some(ts.isNumericLiteral) && list.some((e) => !ts.isNumericLiteral(e));
}

/** Where a file reads or writes bytes at a place that is a number in the code, or makes a header of a list. */
export function literalPlaces({ checker, files }: Program, path: string): string[] {
  return said(files.get(path)!, (node) => {
    if (isHeader(node)) return node.getText();
    let places: readonly ts.Expression[] = [], of: ts.Expression | undefined;
    if (ts.isNewExpression(node) && BYTES.test(node.expression.getText()))
      return (node.arguments ?? []).slice(1, 2).some(isLiteral) ? node.getText() : undefined;
    if (ts.isElementAccessExpression(node)) {
      of = node.expression;
      places = [node.argumentExpression];
    } else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const name = node.expression.name.text;
      of = node.expression.expression;
      if (/^(slice|subarray)$/.test(name)) places = node.arguments;
      else if (name === "set") places = node.arguments.slice(1);
      else if (PLACED.test(name)) places = node.arguments.slice(name.startsWith("write") ? 1 : 0).slice(0, 1);
    }
    const isField = ts.isCallExpression(node) && PLACED.test(node.expression.getText().replace(/^.*\./s, ""));
    const isNumber = (place: ts.Expression): boolean => isLiteral(place) || (isField && isConstant(place));
    if (of === undefined || !places.some(isNumber)) return undefined;
    return BYTES.test(checker.typeToString(checker.getTypeAtLocation(of))) ? node.getText() : undefined;
  });
}

/** Whether a node calls a `poll`, outside of functions within it. */
function polls(node: ts.Node): boolean {
  if (ts.isFunctionLike(node)) return false;
  if (ts.isCallExpression(node) && /(^|\.)#?poll$/.test(node.expression.getText())) return true;
  return ts.forEachChild(node, polls) ?? false;
}

/** What a loop goes by: its condition, and those under which its body leaves it. */
function conditions(loop: ts.WhileStatement | ts.DoStatement | ts.ForStatement): ts.Expression[] {
  const found = [ts.isForStatement(loop) ? loop.condition : loop.expression].filter((e) => e !== undefined);
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) || ts.isIterationStatement(node, false)) return;
    if (ts.isIfStatement(node)) {
      const then = ts.isBlock(node.thenStatement) ? node.thenStatement.statements.at(-1) : node.thenStatement;
      if (then !== undefined && (ts.isBreakStatement(then) || ts.isReturnStatement(then))) found.push(node.expression);
    }
    ts.forEachChild(node, visit);
  };
  visit(loop.statement);
  return found;
}

/** Loops that poll until nothing is due now, which is what `rest` is for: by line. */
export function restLoops(text: string): string[] {
  const file = ts.createSourceFile("loops.ts", text, ts.ScriptTarget.Latest, true);
  return said(file, (node) => {
    if (!ts.isWhileStatement(node) && !ts.isDoStatement(node) && !ts.isForStatement(node)) return undefined;
    if (!polls(node)) return undefined;
    // Names of what a poll returned.
    const waits = [...node.getText().matchAll(/(\w+) = [^;]*\bpoll\(/g)].map(([, name]) => name!);
    const isRest = (condition: string): boolean =>
      /poll\([^;]*\) *[!=]== *0n?\b/.test(condition)
      || waits.some((name) => new RegExp(`\\b${name} *[!=]== *0n?\\b`).test(condition));
    return conditions(node).map((c) => c.getText()).some(isRest) ? node.getText().split("\n")[0] : undefined;
  });
}

/** Where a file names the property `exports` of something whose exports have calls of the stack's, like `init`. */
export function exportsTouched({ checker, files }: Program, path: string): string[] {
  const isStack = (node: ts.Node): boolean => checker.getTypeAtLocation(node).getProperty("tcp_listen") !== undefined;
  return said(files.get(path)!, (node) => {
    if (ts.isPropertyAccessExpression(node) && node.name.text === "exports" && isStack(node)) return node.getText();
    if (ts.isElementAccessExpression(node) && node.argumentExpression.getText() === '"exports"' && isStack(node))
      return node.getText();
    if (!ts.isBindingElement(node) || !ts.isIdentifier(node.name) || !isStack(node.name)) return undefined;
    return (node.propertyName ?? node.name).getText() === "exports" ? node.getText() : undefined;
  });
}

/** Whether a declaration has a comment of its own that says something. */
function isDocumented(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).some((doc) => ts.isJSDoc(doc) && doc.getText().length > "/** */".length);
}

/** Whether a method may be called by others, and neither a base nor an interface has said already what it does. */
function isPublicMethod({ checker }: Program, of: ts.ClassDeclaration, member: ts.ClassElement): boolean {
  if (!ts.isMethodDeclaration(member) || !ts.isIdentifier(member.name)) return false;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected | ts.ModifierFlags.Override;
  if ((ts.getCombinedModifierFlags(member) & hidden) !== 0) return false;
  const { text } = member.name;
  return !(of.heritageClauses ?? []).flatMap((clause) => [...clause.types])
    .some((type) => checker.getTypeAtLocation(type).getProperty(text) !== undefined);
}

/** The exported functions and classes of a file, and the public methods of such classes, that have no docstring. */
export function undocumented(all: Program, path: string): string[] {
  return said(all.files.get(path)!, (node) => {
    if (ts.isMethodDeclaration(node) && ts.isClassDeclaration(node.parent)) {
      const { parent } = node, isOut = (ts.getCombinedModifierFlags(parent) & ts.ModifierFlags.Export) !== 0;
      if (!isOut || !isPublicMethod(all, parent, node) || isDocumented(node)) return undefined;
      // One comment serves the signatures of one name: it stands at the first.
      const same = parent.members.filter((m) => m.name?.getText() === node.name.getText());
      return same.some(isDocumented) ? undefined : `${parent.name?.text}.${node.name.getText()}`;
    }
    if (!ts.isFunctionDeclaration(node) && !ts.isClassDeclaration(node)) return undefined;
    if ((ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export) === 0 || isDocumented(node)) return undefined;
    const symbol = node.name && all.checker.getSymbolAtLocation(node.name);
    return symbol?.declarations?.some(isDocumented) ? undefined : node.name?.text ?? "default";
  });
}
