#!/usr/bin/env node
// What `npx stint` runs. It is in the repository, so that npm finds a command also in a clone that was not built yet.
import { existsSync } from "node:fs";

const command = new URL("../build/stint.js", import.meta.url);
if (existsSync(command)) {
  await import(command.href);
} else {
  const installed = existsSync(new URL("../node_modules", import.meta.url));
  console.error(`stint: this clone is not built yet; run: ${installed ? "" : "npm ci && "}npm run build`);
  process.exitCode = 2;
}
