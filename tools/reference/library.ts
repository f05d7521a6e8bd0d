/**
 * docs/reference/node-api: the library, a page for each class, function and type, made by TypeDoc from the comments in
 * host/.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Application, Converter, ReflectionKind, type Context, type DeclarationReflection, type Reflection,
} from "typedoc";

export const LIBRARY = "docs/reference/node-api";
const MADE = "<!-- Made by `npm run reference` from the comments in host/. -->";

/** Each with its page, or one of these alone would have none. */
const DOCUMENTED: (keyof typeof ReflectionKind)[] = [
  "Class", "Interface", "Function", "TypeAlias", "Variable", "Property", "Method", "Accessor",
];

const OPTIONS = {
  plugin: ["typedoc-plugin-markdown"],
  name: "The library",
  readme: "none",
  excludeInternal: true, excludePrivate: true, excludeProtected: true, excludeExternals: true,
  // A line moves with every change above it.
  disableSources: true,
  githubPages: false,
  outputFileStrategy: "members",
  entryFileName: "README",
  hidePageHeader: true, hideBreadcrumbs: true, hideGroupHeadings: false,
  parametersFormat: "table", interfacePropertiesFormat: "table", classPropertiesFormat: "table",
  typeDeclarationFormat: "table", propertyMembersFormat: "table", indexFormat: "table",
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  requiredToBeDocumented: DOCUMENTED,
  logLevel: "Warn",
};

const LIBRARY_OPTIONS = {
  entryPoints: ["host/index.ts"],
  tsconfig: "tsconfig.types.json",
  // Parts of sockets that are nobody else's; what the module exports is docs/reference/calls.md.
  intentionallyNotExported: ["Home", "Owner", "Port", "Exports", "CONFIG_FIELDS", "SERVICES"],
};

/** What a type has from another one that has a page of its own is told there. */
function leaveToParents(context: Context): void {
  const documented = (r: Reflection | undefined): boolean => r !== undefined && !r.isProject();
  for (const r of context.project.getReflectionsByKind(ReflectionKind.SomeMember)) {
    const from = (r as DeclarationReflection).inheritedFrom?.reflection;
    if (r.parent?.kindOf(ReflectionKind.Interface) && documented(from)) context.project.removeReflection(r);
  }
}

export interface Library {
  /** Path and text of each page. */
  pages: Record<string, string>;
  /** What has no comment, and what names something that is not there. */
  warnings: string[];
}

/** The pages of the library, or of what the options name in its place. */
export async function library(options: object = LIBRARY_OPTIONS): Promise<Library> {
  const app = await Application.bootstrapWithPlugins({ ...OPTIONS, ...options } as never);
  const warnings: string[] = [], out = mkdtempSync(join(tmpdir(), "stint-reference-"));
  app.logger.warn = (text: string) => void warnings.push(text);
  app.logger.error = (text: string) => void warnings.push(text);
  app.converter.on(Converter.EVENT_RESOLVE_END, leaveToParents);
  try {
    const project = await app.convert();
    if (project === undefined) throw new Error(`TypeDoc cannot read the library:\n${warnings.join("\n")}`);
    app.validate(project);
    await app.outputs.writeOutput({ name: "markdown", path: out }, project);
    const pages = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".md")).sort();
    return { pages: Object.fromEntries(pages.map((f) => [`${LIBRARY}/${f}`, page(join(out, f))])), warnings };
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** A page without the lines of stars between its members. */
function page(path: string): string {
  const text = readFileSync(path, "utf8").replace(/^\*\*\*\n\n/gm, "");
  return `${MADE}\n\n${text.trimEnd()}\n`;
}
