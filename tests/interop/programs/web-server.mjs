// Node's own servers: http, https and http2, at the ports PORTS. They end when they are told to.
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import { all, cert, megabyte, sum } from "./common.mjs";

const settings = { cert: readFileSync(cert), key: readFileSync(process.env.KEY) };
function answer(request, response) {
  if (request.url === "/large") return response.end(megabyte);
  if (request.url === "/end") {
    response.end("good-bye\n", () => {
      for (const server of servers) server.close();
    });
    return undefined;
  }
  return all(request).then((body) => {
    response.setHeader("x-protocol", request.httpVersion);
    response.write(`${request.method} ${request.url} `);
    response.end(`${body.length} ${sum(body)}\n`);
  });
}
const servers = [
  http.createServer(answer), https.createServer(settings, answer), http2.createSecureServer(settings, answer),
];
const ports = process.env.PORTS.split(",").map(Number);
await Promise.all(servers.map((server, i) => new Promise((done) => server.listen(ports[i], done))));
console.log("ready");
