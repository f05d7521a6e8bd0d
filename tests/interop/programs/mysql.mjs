// mysql2 with a MariaDB server.
import { once } from "node:events";
import mysql from "mysql2/promise";
import { afterRestart, codeOf, host, megabyte, nobody, port, print, sum } from "./common.mjs";

const settings = { host, port, user: "root" };
const client = await mysql.createConnection(settings);
print((await client.execute("select ? + 1 as n", [41]))[0]);
await client.query("create database if not exists stint");
await client.query("use stint");
await client.query("create table if not exists kept (id int primary key, data longblob)");
await client.query("insert ignore into kept values (1, ?)", [megabyte]);
print(sum((await client.query("select data from kept"))[0][0].data) === sum(megabyte));
const [rows] = await client.query("select seq as i, md5(seq) as m from seq_1_to_50000").catch(() =>
  client.query(`with recursive s as (select 1 as i union all select i + 1 from s where i < 50000)
    select i, md5(i) as m from s`));
print(rows.length, sum(JSON.stringify(rows)));
print(await codeOf(client.query("select from where")), (await client.query("select 'goes on' as w"))[0][0].w);

let streamed = 0;
for await (const row of client.connection.query("select i from (select 1 as i union select 2) t").stream())
  streamed += row.i;
print(streamed);
const pool = mysql.createPool({ ...settings, connectionLimit: 4 });
const answers = await Promise.all([...Array(40).keys()].map((i) => pool.query("select ? as n", [i])));
print(answers.map(([[{ n }]]) => n).join());
await pool.end();
print(await codeOf(mysql.createConnection({ ...settings, port: nobody })));

client.on("error", () => {});
const lost = once(client.connection, "error").then(([e]) => e.fatal);
const next = await afterRestart(() => mysql.createConnection(settings));
print(await lost, (await next.query("select count(*) as n from stint.kept"))[0]);
await next.end();
print("done");
