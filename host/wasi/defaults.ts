// Made by tools/border. What the command starts from: the defaults of assembly/config.ts.

import { Config, Policy } from "../../assembly/config";

export function configDefaults(c: Config): void {
  c.size = offsetof<Config>();

  c.policy = ;
}
