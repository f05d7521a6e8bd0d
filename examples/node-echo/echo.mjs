// An echo server, and a client that talks to it: node examples/node-echo/echo.mjs
import { Stack } from "stint";
import { wire } from "../wire.mjs";

const [here, there] = wire();
const server = await Stack.open({ link: here, ip: "10.0.0.1/24" });
const client = await Stack.open({ link: there, ip: "10.0.0.2/24" });

server.listen({ port: 7 }).on("connection", (connection) => connection.pipe(connection));

const connection = await client.connect({ host: "10.0.0.1", port: 7 });
connection.end("to and fro");
for await (const chunk of connection) console.log(String(chunk));

await Promise.all([client.close(0), server.close(0)]);
