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
