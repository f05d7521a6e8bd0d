// ioredis with a Redis server.
import { once } from "node:events";
import { Redis } from "ioredis";
import { afterRestart, codeOf, host, megabyte, nobody, port, print, sum } from "./common.mjs";

const settings = { host, port, retryStrategy: () => 50 };
const redis = new Redis(settings);
await redis.flushall();
print(await redis.set("word", "tea"), await redis.get("word"));
await redis.set("large", megabyte);
print(sum(await redis.getBuffer("large")) === sum(megabyte));

const many = redis.pipeline();
for (let i = 0; i < 2000; i++) many.incr("count");
print((await many.exec()).at(-1));
await redis.rpush("list", ...Array(20_000).keys());
print((await redis.lrange("list", 0, -1)).length);
print(await redis.incr("word").catch((e) => e.message));

// One waits for what another does.
const other = redis.duplicate();
const waits = other.blpop("queue", 0);
await redis.rpush("queue", "first");
print(await waits);
await other.subscribe("news");
const heard = once(other, "message");
await redis.publish("news", "five o'clock");
print(await heard);
await other.quit();

const refused = new Redis({ ...settings, port: nobody, lazyConnect: true, retryStrategy: null });
const [error] = await Promise.all([once(refused, "error").then(([e]) => e), codeOf(refused.connect())]);
print(error.code, error.port);

redis.on("error", () => {});
print(await afterRestart(() => redis.get("word")));
await redis.quit();
print("done");
