// node:tls, node:https and node:http2 with nginx.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import https from "node:https";
import tls from "node:tls";
import { all, cert, codeOf, host, megabyte, nobody, port, print, sum } from "./common.mjs";

const secure = { ca: readFileSync(cert), servername: "stint.test" }, to = { host, port, ...secure };
const socket = tls.connect({ ...to, ALPNProtocols: ["http/1.1"] });
await once(socket, "secureConnect");
print(socket.authorized, socket.alpnProtocol, socket.getPeerCertificate().subject.CN);
socket.write("GET /hello HTTP/1.1\r\nHost: stint.test\r\nConnection: close\r\n\r\n");
print(`${await all(socket)}`.split("\r\n\r\n").at(-1).trim());
/** What a connection that fails says of itself. */
const failed = (options) => new Promise((resolve) => {
  const told = [], failing = tls.connect(options);
  failing.on("error", (e) => told.push(e.code, failing.destroyed, failing.errored === e));
  failing.on("close", (hadError) => resolve([...told, "close", hadError]));
});
print(await failed({ ...to, ca: [] }), await failed({ ...to, port: nobody }));
print(await failed({ ...to, servername: "other.test" }));

const agent = new https.Agent({ keepAlive: true, maxSockets: 2, ...secure });
const ask = (path, body, more = {}) => new Promise((resolve, reject) => {
  const options = { host, port, path, agent, method: body ? "PUT" : "GET", ...secure, ...more };
  https.request(options, (answer) => {
    all(answer).then((data) => resolve({ data, by: answer.headers["x-connection"] }), reject);
  }).on("error", reject).end(body);
});
await ask("/tls", megabyte);
const several = await Promise.all([...Array(10).keys()].map(() => ask("/tls")));
print(new Set(several.map(({ data }) => sum(data) === sum(megabyte))), new Set(several.map(({ by }) => by)).size <= 2);
print(await codeOf(ask("/", undefined, { port: nobody })));
agent.destroy();

const session = http2.connect(`https://${host}:${port}`, secure);
const stream = async (headers, body) => {
  const request = session.request(headers, { endStream: body === undefined });
  const answered = once(request, "response");
  if (body) request.end(body);
  const [{ ":status": status }] = await answered;
  return { status, data: await all(request) };
};
print((await stream({ ":method": "PUT", ":path": "/two", "content-length": megabyte.length }, megabyte)).status);
const streams = await Promise.all([...Array(20).keys()].map(() => stream({ ":path": "/two" })));
print(new Set(streams.map(({ data }) => sum(data) === sum(megabyte))), session.alpnProtocol);
await new Promise((resolve, reject) => session.ping((e) => (e ? reject(e) : resolve())));
await stream({ ":method": "DELETE", ":path": "/two" });
const closed = once(session, "close");
session.close();
await closed;
print((await once(http2.connect(`https://${host}:${nobody}`, secure), "error"))[0].code);
print("done");
