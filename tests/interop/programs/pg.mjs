// pg with a PostgreSQL server.
import { once } from "node:events";
import pg from "pg";
import { afterRestart, codeOf, host, megabyte, nobody, port, print, sum } from "./common.mjs";

const settings = { host, port, user: "stint", password: "stint", database: "postgres" };
const client = new pg.Client(settings);
await client.connect();
print((await client.query("select $1::int + 1 as n", [41])).rows);
await client.query("create table if not exists kept (id int primary key, data bytea)");
await client.query("insert into kept values (1, $1) on conflict do nothing", [megabyte]);
print(sum((await client.query("select data from kept")).rows[0].data) === sum(megabyte));
const { rows } = await client.query("select i, md5(i::text) as m from generate_series(1, 50000) i");
print(rows.length, sum(JSON.stringify(rows)));
print(await codeOf(client.query("select from where")), (await client.query("select 'goes on' as w")).rows[0].w);

await client.query("listen news");
const heard = once(client, "notification");
const pool = new pg.Pool({ ...settings, max: 4 });
await pool.query("notify news, 'tea'");
print((await heard)[0].payload);
const answers = await Promise.all([...Array(40).keys()].map((i) => pool.query("select $1::int as n", [i])));
print(answers.map((a) => a.rows[0].n).join(), pool.totalCount);
await pool.end();
print(await codeOf(new pg.Client({ ...settings, port: nobody }).connect()));
print(await codeOf(new pg.Client({ ...settings, password: "wrong" }).connect()));

client.on("error", () => {});
const lost = once(client, "error").then(([e]) => e.code);
const next = await afterRestart(async () => {
  const fresh = new pg.Client(settings);
  fresh.on("error", () => {});
  await fresh.connect();
  return fresh;
});
print(await lost, (await next.query("select count(*)::int as n from kept")).rows);
await next.end();
print("done");
