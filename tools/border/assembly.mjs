// AssemblyScript that follows from declarations in the module.

/** host/wasi/defaults.ts: what the command under wasmtime starts from, and what its numbers may be. */
export function defaults(b) {
  const numbers = b.config
    .filter((f) => f.default !== undefined && f.default !== 0)
    .map((f) => `  c.${f.name} = ${f.default};`);
  const policies = b.policies.filter((p) => p.tags.on !== undefined).map((p) => `Policy.${p.name}`), lines = [];
  for (let i = 0; i < policies.length; i += 6) lines.push(policies.slice(i, i + 6).join(" | "));
  const words = b.config
    .map((f, word) => ({ ...f, word }))
    .filter((f) => f.least !== undefined && f.name !== "policy" && f.name !== "appBytes");
  const cases = (value) => words.map((f) => `    case ${f.word}: return ${value(f)};`).join("\n");
  return `// Made by tools/border. What the command starts from: the defaults of assembly/config.ts;
// and the names and bounds of its numbers.

import { Config, Policy } from "../../assembly/config";

export function configDefaults(c: Config): void {
  c.size = offsetof<Config>();
${numbers.join("\n")}
  c.policy = ${lines.join(" |\n    ")};
}

/** The name of a word of the configuration; "": nobody sets it by \`--set\`. */
export function configName(word: u32): string {
  switch (word) {
${cases((f) => `"${f.name}"`)}
    default: return "";
  }
}

/** Its least value. */
export function configLeast(word: u32): u32 {
  switch (word) {
${words.filter((f) => f.least !== 0).map((f) => `    case ${f.word}: return ${f.least};`).join("\n")}
    default: return 0;
  }
}

/** Its greatest value. */
export function configMost(word: u32): u32 {
  switch (word) {
${cases((f) => f.most)}
    default: return u32.MAX_VALUE;
  }
}
`;
}
