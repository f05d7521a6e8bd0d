/** `stint/browser` in a real browser: two tabs, a stack in each, and TCP between them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { chromium, type Page } from "playwright-core";
import { findProgram } from "../../host/programs.js";
import { lacks } from "../interop/lab.js";

const FILES: Record<string, [file: string, type: string]> = {
  "/": ["examples/browser/index.html", "text/html"],
  "/browser.js": ["build/browser.js", "text/javascript"],
  "/stint.simd.wasm": ["build/stint.simd.wasm", "application/wasm"],
};

const shown = (page: Page, text: string): Promise<unknown> =>
  page.waitForFunction((t) => document.querySelector("pre")!.textContent.includes(t), text);

describe("examples/browser", () => {
  it("two tabs talk over TCP, each with a stack of its own", async (t) => {
    if (lacks(t, "chromium")) return;
    const server = createServer((request, response) => {
      const found = FILES[new URL(request.url!, "http://x").pathname];
      if (found) response.writeHead(200, { "content-type": found[1] }).end(readFileSync(found[0]));
      else response.writeHead(404).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const browser = await chromium.launch({ executablePath: findProgram("chromium")!, args: ["--no-sandbox"] });
    const errors: string[] = [];
    try {
      const context = await browser.newContext(), url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const tab = async (role: number): Promise<Page> => {
        const page = await context.newPage();
        page.on("pageerror", (e) => errors.push(e.message));
        await page.goto(`${url}?${role}`);
        return page;
      };
      const one = await tab(1);
      await shown(one, "the stack's address is 10.0.0.1");
      const two = await tab(2);
      await shown(one, "connected with 10.0.0.2");
      await shown(two, "connected with 10.0.0.1:7");
      for (const [from, to, line] of [[two, one, "from the client"], [one, two, "from the server"]] as const) {
        await from.fill("input", line);
        await from.press("input", "Enter");
        await shown(to, `< ${line}`);
      }
      assert.deepEqual(errors, []);
    } finally {
      await browser.close();
      server.closeAllConnections();
      server.close();
    }
  });
});
