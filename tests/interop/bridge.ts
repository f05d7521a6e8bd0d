/** `bridge.ts LINK COMMAND …`: runs a command whose standard streams carry frames, on a link. */
import { openLink } from "../../host/links/open.js";
import { streamLink } from "../../host/links/stream.js";
import { started } from "../harness/programs.js";

const [where, program, ...args] = process.argv.slice(2);
const link = await openLink(where!, { ip: "10.9.0.2", prefix: 24, gateway: undefined, ports: [] });
const child = started(program!, args, { stdio: ["pipe", "pipe", "inherit"] });
const inner = streamLink(child.stdout!, child.stdin!, () => child.kill());
inner.onFrame = (frame) => link.send(frame);
link.onFrame = (frame) => inner.send(frame);
child.once("exit", (code) => {
  link.close();
  process.exit(code ?? 1);
});
process.on("SIGINT", () => child.kill()).on("SIGTERM", () => child.kill());
