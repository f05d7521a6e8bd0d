// ssh2 with OpenSSH's server: files by SFTP.
import { once } from "node:events";
import { promisify } from "node:util";
import { readFileSync } from "node:fs";
import ssh2 from "ssh2";
import { all, host, megabyte, nobody, port, print, sum } from "./common.mjs";

const key = readFileSync(process.env.KEY);
async function open(settings) {
  const client = new ssh2.Client();
  const ready = once(client, "ready");
  client.connect({ host, port, username: process.env.USER_NAME, privateKey: key, ...settings });
  await ready;
  return client;
}
const client = await open({}), sftp = await promisify(client.sftp.bind(client))();
const call = (name, ...args) => promisify(sftp[name].bind(sftp))(...args);
const file = sftp.createWriteStream("large");
file.end(megabyte);
await once(file, "close");
print((await call("stat", "large")).size);
print(sum(await all(sftp.createReadStream("large"))) === sum(megabyte));
await Promise.all([...Array(50).keys()].map((i) => call("writeFile", `file-${i}`, `${i}`)));
print((await call("readdir", ".")).filter(({ filename }) => filename.startsWith("file-")).length);
await Promise.all([...Array(50).keys()].map((i) => call("unlink", `file-${i}`)));
print(await call("stat", "nothing").catch((e) => e.message));
print(await open({ privateKey: ssh2.utils.generateKeyPairSync("ed25519").private }).catch((e) => e.level));
print(await open({ port: nobody }).catch((e) => `${e.level} ${e.code}`));
const closed = once(client, "close");
client.end();
await closed;
print("done");
