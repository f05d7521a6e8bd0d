// What the programs beside this file share. None of them knows of a stack: they print the same over the kernel's.
import { createHash } from "node:crypto";
import { setTimeout as later } from "node:timers/promises";

export const { HOST: host, CERT: cert = "", FOLDER: folder = "" } = process.env;
export const port = Number(process.env.PORT);
/** A port at which nobody listens. */
export const nobody = 1;

/** A megabyte that no compression shortens. */
export const megabyte = Buffer.concat(
  [...Array(32_768).keys()].map((i) => createHash("sha256").update(`block ${i}`).digest()),
);
export const sum = (data) => createHash("sha256").update(data).digest("hex").slice(0, 16);
export const print = (...words) => console.log(...words);
export const codeOf = (what) => what.then(() => "no error", (e) => e.code ?? e.message);
export async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Asks for the server to be restarted, and tries until something works. */
export async function afterRestart(what) {
  print("restart");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  process.stdin.destroy();
  return again(what);
}
export async function again(what) {
  for (;;) {
    try {
      return await what();
    } catch {
      await later(50);
    }
  }
}
