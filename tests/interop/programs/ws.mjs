// ws with a server of ws, which sends back what comes.
import { once } from "node:events";
import { WebSocket } from "ws";
import { afterRestart, codeOf, host, megabyte, nobody, port, print, sum } from "./common.mjs";

async function open(at = port) {
  const socket = new WebSocket(`ws://${host}:${at}/`);
  await once(socket, "open");
  return socket;
}
const socket = await open();
socket.send(megabyte);
const [data, isBinary] = await once(socket, "message");
print(sum(data) === sum(megabyte), isBinary);
socket.send("x".repeat(1_000_000));
print(`${(await once(socket, "message"))[0]}` === "x".repeat(1_000_000));

const several = [];
const enough = new Promise((resolve) => socket.on("message", (text) => several.push(`${text}`) === 500 && resolve()));
for (let i = 0; i < 500; i++) socket.send(`${i}`);
await enough;
print(several.join() === [...Array(500).keys()].join());
socket.ping("tea");
print(`${(await once(socket, "pong"))[0]}`);
print(await codeOf(open(nobody)));

const lost = once(socket, "close");
socket.on("error", () => {});
const next = await afterRestart(open);
await lost;
next.send("close");
const [code, why] = await once(next, "close");
print(code, `${why}`);
print("done");
