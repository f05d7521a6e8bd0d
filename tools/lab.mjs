// `npm run lab [-- --port N]`: serves build/lab, the handshake lab, on this machine. Any static host, and file://, will
// do as well.
import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";

const at = process.argv.indexOf("--port"), port = at < 0 ? 8000 : Number(process.argv[at + 1]);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error("lab: --port takes a number from 0 to 65535");
  process.exit(2);
}
if (!existsSync("build/lab/index.html")) {
  console.error("lab: build/lab is missing; run `npm run build` first");
  process.exit(1);
}
const server = createServer((request, response) => {
  if (request.url !== "/" && !request.url.startsWith("/?") && request.url !== "/index.html") {
    response.writeHead(404).end();
    return;
  }
  response
    .writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" })
    .end(readFileSync("build/lab/index.html"));
});
server.on("error", (e) => {
  console.error(`lab: cannot listen on port ${port}: ${e.message}; --port takes another one`);
  process.exit(1);
});
server.listen(port, "127.0.0.1", () => console.log(`ready: http://127.0.0.1:${server.address().port}/`));
