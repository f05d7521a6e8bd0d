// mqtt with a broker.
import { once } from "node:events";
import mqtt from "mqtt";
import { again, afterRestart, host, megabyte, nobody, port, print, sum } from "./common.mjs";

const url = `mqtt://${host}:${port}`, settings = { reconnectPeriod: 50, clientId: `stint-${process.pid}` };
const client = await mqtt.connectAsync(url, settings), at = `stint/${process.pid}`;
const heard = [];
let next = () => {};
client.on("message", (topic, data) => {
  heard.push([topic, data]);
  next();
});
async function until(count) {
  while (heard.length < count) await new Promise((resolve) => (next = resolve));
  return heard.splice(0);
}
print(await client.subscribeAsync(`${at}/+`, { qos: 1 }).then(([{ qos }]) => qos));
await client.publishAsync(`${at}/large`, megabyte, { qos: 1 });
print((await until(1)).map(([, data]) => sum(data) === sum(megabyte)));
await Promise.all([...Array(300).keys()].map((i) => client.publishAsync(`${at}/${i}`, `${i}`, { qos: 1 + i % 2 })));
print(new Set((await until(300)).map(([topic]) => topic)).size);

// The broker tells of a client that is gone, and keeps what it was told to keep.
const other = await mqtt.connectAsync(url, { ...settings, clientId: `${settings.clientId}-b`,
  will: { topic: `${at}/will`, payload: "gone", qos: 1 } });
await other.publishAsync(`${at}/kept`, "kept", { retain: true, qos: 1 });
print((await until(1)).map(([, data]) => `${data}`));
other.stream.destroy();
print((await until(1)).map(([, data]) => `${data}`));
await other.endAsync(true);
await client.publishAsync(`${at}/kept`, "", { retain: true });
await until(1);

const refused = mqtt.connect(`mqtt://${host}:${nobody}`, { reconnectPeriod: 0 });
print((await once(refused, "error"))[0].code);
await refused.endAsync(true);

const lost = once(client, "close");
client.on("error", () => {});
await afterRestart(async () => {
  await lost;
  if (!client.connected) await once(client, "connect");
});
// It has subscribed again by itself, once this arrives.
await again(async () => {
  await client.publishAsync(`${at}/back`, "back");
  if (heard.length === 0) throw new Error("not yet");
});
print(`${heard[0][1]}`);
await client.endAsync();
print("done");
