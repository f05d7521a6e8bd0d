// nodemailer with a server made of smtp-server.
import { createTransport } from "nodemailer";
import { afterRestart, host, megabyte, nobody, port, print } from "./common.mjs";

const settings = { host, port, requireTLS: true, tls: { rejectUnauthorized: false }, auth: { user: "a", pass: "tea" } };
const from = "a@stint.test", to = ["b@stint.test", "c@stint.test"], date = new Date(0);
const letter = { from, to, subject: "tea", text: "At five.", date, messageId: "<1@stint.test>" };
const one = createTransport(settings);
const { accepted, response } = await one.sendMail(letter);
print(accepted.join(), response);
const large = await one.sendMail({ ...letter, attachments: [{ filename: "large", content: megabyte }] });
print(large.response);
print(await one.sendMail({ ...letter, to: ["nobody@stint.test"] }).catch((e) => `${e.code} ${e.responseCode}`));
const failed = (more) => createTransport({ ...settings, ...more }).verify().catch((e) => `${e.code} ${e.command}`);
print(await failed({ auth: { user: "a", pass: "coffee" } }));
print(await failed({ port: nobody }));

const pool = createTransport({ ...settings, pool: true, maxConnections: 2 });
const letters = await Promise.all([...Array(20).keys()].map(() => pool.sendMail(letter)));
print(new Set(letters.map((l) => l.response)).size);
pool.close();
print((await afterRestart(() => one.sendMail(letter))).response);
print("done");
