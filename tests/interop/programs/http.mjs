// node:http and axios with nginx, which tells the connection that each answer came by.
import http from "node:http";
import axios from "axios";
import { afterRestart, again, all, codeOf, host, megabyte, nobody, port, print, sum } from "./common.mjs";

const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
function ask(path, { method = "GET", body, headers = {}, ...more } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, path, method, headers, agent, ...more }, (answer) => {
      const by = answer.headers["x-connection"], { statusCode: status, headers: had } = answer;
      all(answer).then((data) => resolve({ status, data, by, headers: had }), reject);
    });
    request.on("error", reject).end(body);
  });
}
const first = [];
for (let i = 0; i < 5; i++) first.push(await ask("/hello"));
print(first.map(({ status, data }) => `${status} ${data}`.trim()).join(), new Set(first.map(({ by }) => by)).size);
const many = await Promise.all([...Array(40).keys()].map(() => ask("/many.txt")));
print(new Set(many.map(({ data }) => sum(data))).size, new Set(many.map(({ by }) => by)).size <= 2);
print((await ask("/large", { method: "PUT", body: megabyte })).status);
print(sum((await ask("/large")).data) === sum(megabyte));
print((await ask("/part", { method: "PUT", body: "x", headers: { expect: "100-continue" } })).status);
print((await ask("/nothing")).status, await codeOf(ask("/", { port: nobody })));

const client = axios.create({ baseURL: `http://${host}:${port}`, httpAgent: agent, proxy: false });
print((await client.get("/moved")).data, (await client.get("/many.txt")).data.length);
print((await client.put("/axios", megabyte)).status);
print(sum((await client.get("/axios", { responseType: "arraybuffer" })).data) === sum(megabyte));
print(await client.get("/away").catch((e) => `${e.code} ${e.response.status} ${e.response.data}`));
print(await codeOf(client.get("/", { baseURL: `http://${host}:${nobody}` })));
const stop = new globalThis.AbortController(), stopped = codeOf(client.get("/many.txt", { signal: stop.signal }));
stop.abort();
print(await stopped, Object.values(agent.freeSockets).flat().length > 0);

print((await afterRestart(() => ask("/hello"))).status, (await again(() => client.get("/hello"))).data);
for (const path of ["/large", "/axios", "/part"]) await again(() => ask(path, { method: "DELETE" }));
agent.destroy();
print("done");
