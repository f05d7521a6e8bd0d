// undici, its pools and its fetch, with nginx.
import { Pool, fetch, request } from "undici";
import { afterRestart, all, codeOf, host, megabyte, nobody, port, print, sum } from "./common.mjs";

const origin = `http://${host}:${port}`;
const pool = new Pool(origin, { connections: 2, pipelining: 4 });
const ask = async (path, more = {}) => {
  const { statusCode, headers, body } = await pool.request({ path, method: "GET", ...more });
  return { status: statusCode, by: headers["x-connection"], data: await all(body) };
};
print(`${(await ask("/hello")).data}`.trim());
const many = await Promise.all([...Array(40).keys()].map(() => ask("/many.txt")));
print(new Set(many.map(({ data }) => sum(data))).size, new Set(many.map(({ by }) => by)).size <= 2);
print((await ask("/undici", { method: "PUT", body: megabyte })).status);
print(sum((await ask("/undici")).data) === sum(megabyte), (await ask("/nothing")).status);
print(await codeOf(request(`http://${host}:${nobody}/`)));
const stop = new globalThis.AbortController(), stopped = ask("/many.txt", { signal: stop.signal }).catch((e) => e.name);
stop.abort();
print(await stopped);

const settings = { dispatcher: pool };
print(await (await fetch(`${origin}/moved`, settings)).text());
print((await (await fetch(`${origin}/many.txt`, settings)).text()).length);
const refused = await fetch(`http://${host}:${nobody}/`).catch((e) => e);
print(refused.name, refused.cause.code ?? refused.cause.message);
print((await afterRestart(() => ask("/hello"))).status);
await ask("/undici", { method: "DELETE" });
await pool.close();
print("done");
