// A broker made of aedes.
import { createServer } from "node:net";
import { Aedes } from "aedes";
import { port } from "./common.mjs";

const broker = await Aedes.createBroker();
createServer(broker.handle).listen(port, () => console.log("ready"));
