/**
 * docs/reference/node-api, browser-api, fetch-api and ip6-api: the libraries, a page for each class, function and
 * type, made by TypeDoc from the comments in host/.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Application, Converter, ReflectionKind, type Context, type DeclarationReflection, type Reflection,
} from "typedoc";

const MADE = "<!-- Made by `npm run reference` from the comments in host/. -->";

/** Each with its page, or one of these alone would have none. */
const DOCUMENTED: (keyof typeof ReflectionKind)[] = [
  "Class", "Interface", "Function", "TypeAlias", "Variable", "Property", "Method", "Accessor",
];

const OPTIONS = {
  tsconfig: "tsconfig.types.json",
  plugin: ["typedoc-plugin-markdown"],
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

/** The libraries by the folder of their pages. */
const LIBRARIES: Record<string, object> = {
  "docs/reference/node-api": {
    name: "The library", entryPoints: ["host/index.ts"],
    // Parts of sockets that are nobody else's; what the module exports is docs/reference/calls.md.
    intentionallyNotExported: ["Home", "Owner", "Port", "Exports", "CONFIG_FIELDS", "SERVICES", "Listener"],
  },
  "docs/reference/browser-api": {
    name: "The library for browsers", entryPoints: ["host/web/index.ts"],
    // The lists of names stand in the pages of node-api, and in those that are made of the module.
    intentionallyNotExported: ["Home", "Owner", "ERR", "OPTION", "POLICY", "STATES", "StackModule", "Group"],
  },
  "docs/reference/fetch-api": {
    name: "HTTP for browsers", entryPoints: ["host/web/fetch/index.ts"],
    // Any stack of browser-api.
    intentionallyNotExported: ["Dialer"],
  },
  "docs/reference/ip6-api": {
    name: "IPv6 for browsers", entryPoints: ["host/web/ip6/index.ts"],
    intentionallyNotExported: [],
  },
};
export const FOLDERS = Object.keys(LIBRARIES);

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

/** The pages of all libraries. */
export async function libraries(): Promise<Library> {
  const all: Library = { pages: {}, warnings: [] };
  for (const [folder, options] of Object.entries(LIBRARIES)) {
    const { pages, warnings } = await library(folder, options);
    Object.assign(all.pages, pages);
    all.warnings.push(...warnings);
  }
  return all;
}

/** The pages of a library, of what the options name, as files of a folder. */
export async function library(folder: string, options: object): Promise<Library> {
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
    return { pages: Object.fromEntries(pages.map((f) => [`${folder}/${f}`, page(join(out, f))])), warnings };
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** A page without the lines of stars between its members. */
function page(path: string): string {
  const text = readFileSync(path, "utf8").replace(/^\*\*\*\n\n/gm, "");
  return `${MADE}\n\n${text.trimEnd()}\n`;
}
