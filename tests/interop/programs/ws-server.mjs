// A server of ws. It sends back what comes, and ends when it is told to close.
import { WebSocketServer } from "ws";
import { port } from "./common.mjs";

const server = new WebSocketServer({ port, perMessageDeflate: true, maxPayload: 1 << 24 });
server.on("listening", () => console.log("ready"));
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, binary) => {
    if (binary || `${data}` !== "close") return socket.send(data, { binary });
    socket.close(1000, "enough");
    server.close();
  });
});
