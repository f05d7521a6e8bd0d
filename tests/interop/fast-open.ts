/**
 * Opens connections to a host and port over the TAP device `tap0`, one after the other, each with text for its SYN;
 * prints what came back.
 */
import { Stack } from "../../host/index.js";
import { openLink } from "../../host/links/open.js";
import { STACK_IP } from "./lab.js";

const [host, port, count, size] = [process.argv[2]!, ...process.argv.slice(3).map(Number)] as [
  string, number, number, number,
];
const stack = await Stack.open({
  link: await openLink("tap:tap0", { ip: STACK_IP, prefix: 24, gateway: undefined, ports: [] }), ip: `${STACK_IP}/24`,
});
for (let i = 0; i < count; i++) {
  const data = new Uint8Array(size).fill(65 + i);
  const connection = await stack.connect({ host, port, fastOpen: true, data, failFast: true });
  connection.end();
  let got = 0;
  for await (const chunk of connection as AsyncIterable<Uint8Array>)
    got += chunk.every((b) => b === 65 + i) ? chunk.length : NaN;
  console.log(`got ${got}`);
}
const { TCPFastOpenActive, TCPFastOpenActiveFail } = stack.counters();
console.log(`active ${TCPFastOpenActive} failed ${TCPFastOpenActiveFail}`);
await stack.close();
