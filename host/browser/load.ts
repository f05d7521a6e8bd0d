/**
 * The page's first script. The page is one file, so it carries the others and the module compressed; this one unpacks
 * them.
 */
declare global { interface Window { stintModule: WebAssembly.Module } }

/** Compressed by gzip, as base64: main.ts with all that it imports, and the module. */
declare const STINT_SCRIPT_GZIP: string, STINT_WASM_GZIP: string;

function unpack(packed: string): Response {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

async function load(): Promise<void> {
  const code = unpack(STINT_SCRIPT_GZIP).text();
  window.stintModule = await WebAssembly.compile(await unpack(STINT_WASM_GZIP).arrayBuffer());
  document.body.append(Object.assign(document.createElement("script"), { textContent: await code }));
}

void load().catch(() => {
  document.getElementById("status")!.textContent =
    "This browser cannot run the lab: it lacks WebAssembly or DecompressionStream.";
});

export {};
