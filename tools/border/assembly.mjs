// AssemblyScript that follows from declarations in the module.

/** host/wasi/defaults.ts: what the command under wasmtime starts from. */
export function defaults(b) {
  const numbers = b.config.filter((f) => f.default !== undefined && f.default !== 0).map((f) => `  c.${f.name} = ${f.default};`);
  const policies = b.policies.filter((p) => p.tags.on !== undefined).map((p) => `Policy.${p.name}`), lines = [];
  for (let i = 0; i < policies.length; i += 6) lines.push(policies.slice(i, i + 6).join(" | "));
  return `// Made by tools/border. What the command starts from: the defaults of assembly/config.ts.

import { Config, Policy } from "../../assembly/config";

export function configDefaults(c: Config): void {
  c.size = offsetof<Config>();
${numbers.join("\n")}
  c.policy = ${lines.join(" |\n    ")};
}
`;
}
