// A server made of smtp-server. It takes letters, and says how much of each it got.
import { readFileSync } from "node:fs";
import { SMTPServer } from "smtp-server";
import { all, cert, port } from "./common.mjs";

const server = new SMTPServer({
  cert: readFileSync(cert),
  key: readFileSync(process.env.KEY),
  onAuth: ({ username, password }, _session, done) =>
    password === "tea" ? done(null, { user: username }) : done(new Error("no tea")),
  onRcptTo: ({ address }, _session, done) =>
    address.startsWith("nobody@") ? done(Object.assign(new Error("nobody"), { responseCode: 550 })) : done(),
  onData: (stream, _session, done) => void all(stream).then((data) => {
    const body = `${data}`.split("\r\n\r\n").slice(1).join("");
    done(null, `taken, ${body.replace(/--.*/g, "").replace(/\s/g, "").length}`);
  }),
});
server.on("error", () => {});
server.listen(port, () => console.log("ready"));
