// Node's own HTTP server and client over two stacks: node examples/node-http/http.mjs
import http from "node:http";
import { Stack } from "stint";
import { wire } from "../wire.mjs";

const [here, there] = wire();
const server = await Stack.open({ link: here, ip: "10.0.0.1/24" });
const client = await Stack.open({ link: there, ip: "10.0.0.2/24" });

const site = http.createServer((request, response) => response.end(`you asked for ${request.url}\n`));
server.listen({ port: 80 }).on("connection", (connection) => site.emit("connection", connection));

const createConnection = () => client.createConnection({ host: "10.0.0.1", port: 80 });
const response = await new Promise((done, fail) => {
  http.get({ host: "10.0.0.1", path: "/page", createConnection }, done).on("error", fail);
});
console.log(response.statusCode, response.headers.connection);
for await (const chunk of response) process.stdout.write(chunk);

await Promise.all([client.close(0), server.close(0)]);
