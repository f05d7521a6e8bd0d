/** The lab's page with the frames of a live stack, in a real browser. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { after, describe, it } from "node:test";
import { chromium, type Page } from "playwright-core";
import { readCapture } from "../../host/links/read-capture.js";
import { findProgram } from "../../host/programs.js";
import { freeTcpPort, lacks } from "../interop/lab.js";
import { said, started } from "../harness/programs.js";

const children = new Set<ReturnType<typeof started>>();
after(() => children.forEach((child) => child.kill("SIGKILL")));

async function echoed(port: number, text: string): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  socket.write(text);
  assert.equal(String((await once(socket, "data"))[0]), text);
  socket.end();
  await once(socket, "close");
}

/** Waits for what stands in an element. */
const shows = (page: Page, id: string, text: string): Promise<unknown> => page.waitForFunction(
  ([where, what]) => document.getElementById(where!)!.textContent.includes(what!), [id, text],
);

describe("the page, live", () => {
  it("shows a stack's frames as they pass, holds them still on request, and keeps them when it ends", async (t) => {
    if (lacks(t, "chromium")) return;
    const echo = await freeTcpPort(), child = started(
      process.execPath, ["build/stint.js", "lab", "--port", "0", "--link", "nat", "--echo", String(echo)],
    );
    children.add(child);
    const url = /ready: (\S+)/.exec(await said(child, /ready 1/))![1]!;
    const browser = await chromium.launch({ executablePath: findProgram("chromium")!, args: ["--no-sandbox"] });
    t.after(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } }), errors: string[] = [];
    page.on("pageerror", (e) => errors.push(e.message));
    await page.goto(url);
    await shows(page, "sentence", "nat:");
    await shows(page, "machine", "ESTABLISHED");
    await echoed(echo, "hello");
    await shows(page, "sentence", "1 connection");
    await page.waitForFunction(() => /FIN/.test(document.getElementById("list")!.textContent)
      || ((document.getElementById("list-box") as HTMLDetailsElement).open = true, false));
    await shows(page, "list", "SYN, ACK");
    await shows(page, "tcb", "acknowledged");

    // Paused, nothing moves; steps are segments.
    await page.click("#play");
    const before = await page.textContent("#sentence");
    await page.click("#restart");
    await shows(page, "segment", "SYN");
    await page.click("#step");
    await shows(page, "segment", "answers");
    await echoed(echo, "unseen");
    assert.equal(await page.textContent("#sentence"), before);
    assert.match((await page.textContent("#segment"))!, /answers/);
    await page.click("#play");
    await shows(page, "sentence", "2 connections");

    // What is a scenario's does nothing here.
    await page.fill("#seed", "7");
    await page.press("#seed", "Tab");
    await page.click("#share");
    await shows(page, "status", "No link leads to");
    assert.ok(!page.url().includes("#"));

    // A scenario in between, and back; an older connection can be chosen.
    await page.selectOption("#scenario", "handshake");
    await shows(page, "status", "The first message");
    await page.selectOption("#scenario", "live");
    await shows(page, "sentence", "2 connections");
    await page.selectOption("#connection", "0");
    await page.click("#play");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
    const { frames } = readCapture(readFileSync(await download.path()));
    assert.ok(frames.length >= 14);

    await page.selectOption("#scenario", "handshake");
    child.kill("SIGINT");
    await once(child, "exit");
    await page.selectOption("#scenario", "live");
    await shows(page, "status", "What was seen stays.");
    assert.match((await page.textContent("#sentence"))!, /2 connections/);
    await page.goto(url.replace(/live=.*/, "live=wrong")).catch(() => {});
    assert.deepEqual(errors, []);
  });
});
