/**
 * examples/mqtt-tls on emulated boards, with mosquitto over QEMU's network; and its client of MQTT, alone, with brokers
 * that break the protocol. No root is needed.
 */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { Random } from "../../host/random.js";
import { environment, started, succeeded, until } from "../harness/programs.js";
import { build } from "./c-build.js";
import { Authority, type Certificate } from "./certificates.js";
import { Lamp, make, ports, TimeServer, type Made } from "./lamp.js";
import { lacks, missing } from "./lab.js";
import { Recipes, Server } from "./servers.js";

const NEEDS = ["mbedtls", "c-programs", "gcc", "arm-none-eabi-gcc", "qemu-system-arm", "mosquitto", "openssl"];
const scratch = mkdtempSync(join(tmpdir(), "stint-mqtt-"));

/** The ports of the brokers whose certificate is so. */
interface Ports { good: number; expired: number; elsewhere: number; unknown: number }
let at: Ports, broker: Server, clock: TimeServer, authority: Authority, own: Certificate, another: Authority;
let publish: string, subscribe: string, followed: ChildProcess | undefined, topics = "";
const lamps: Lamp[] = [];

before(async () => {
  if (missing(...NEEDS) !== undefined) return;
  authority = new Authority(scratch, "authority");
  another = new Authority(scratch, "another");
  own = authority.issue("lamp", { usage: "clientAuth" });
  const [good, expired, elsewhere, unknown] = await ports(4) as [number, number, number, number];
  at = { good, expired, elsewhere, unknown };
  const secured = (port: number, { key, cert }: Certificate) => ({ port, key, cert, authority: authority.cert });
  broker = await new Server(new Recipes(scratch).mosquitto(
    secured(good, authority.issue("broker.test")),
    secured(expired, authority.issue("broker.test", { days: -1, as: "expired" })),
    secured(elsewhere, authority.issue("elsewhere.test")),
    secured(unknown, another.issue("broker.test")),
  )).start();
  clock = await new TimeServer().start();
  [publish, subscribe] = await Promise.all((["mosquitto_pub", "mosquitto_sub"] as const).map((name) =>
    build(name, "kernel", scratch))) as [string, string];
  followed = started(subscribe, ["-h", "127.0.0.1", "-p", `${broker.port}`, "-t", "stint/#", "-v"], {
    env: environment(), stdio: ["ignore", "pipe", "inherit"],
  });
  followed.stdout!.on("data", (data: Buffer) => (topics += data));
});
after(async () => {
  await Promise.all(lamps.map((lamp) => lamp.stop()));
  followed?.kill("SIGKILL");
  clock?.stop();
  await broker?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** Firmware for `id`, on a board that has power from now on. */
async function lamp(board: string, id: string, more: Partial<Made> = {}): Promise<Lamp> {
  const { elf } = await make(scratch, {
    board, id, authority: authority.cert, own, port: at.good, time: clock.port, ...more,
  });
  // At the speed of the chip, whose watchdog resets it where a handshake keeps the program from feeding it.
  const running = new Lamp(board, elf, { counted: board === "lm3s6965evb" });
  lamps.push(running);
  return running;
}

/** Publishes by the broker's other door. */
function tell(topic: string, text: string, ...more: string[]): void {
  succeeded(publish, ["-h", "127.0.0.1", "-p", `${broker.port}`, "-t", topic, "-m", text, ...more], {
    env: environment(),
  });
}

/** Waits until the broker has told that, so many times. */
const told = (line: string, times = 1): Promise<void> =>
  until(`${times} times ${line}, of:\n${topics}`, () => topics.split(`${line}\n`).length > times, 60_000);

describe("MQTT over TLS from a board", { concurrency: 2 }, () => {
  for (const board of ["mps2-an385", "lm3s6965evb"]) {
    it(`${board} tells what it does, is switched, resumes its session, and is missed`, async (t) => {
      if (lacks(t, ...NEEDS)) return;
      const running = await lamp(board, board), topic = `stint/${board}`;
      await running.says(/^TLSv1\.2 TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256 -\r?$/);
      await told(`${topic}/status online`);
      tell(`${topic}/switch`, "on", "-q", "1");
      await told(`${topic}/lamp on`);
      await running.says(/^lamp: on\r?$/);
      // What is too long, and what it does not know, ends nothing.
      tell(`${topic}/switch`, "on".repeat(1000), "-q", "1");
      tell(`${topic}/switch`, "dim");
      await running.says(/^lamp: somebody asks for what it cannot do\r?$/);
      tell(`${topic}/switch`, "off", "-q", "2");
      await told(`${topic}/lamp off`);
      // Who has its name takes its connection: it comes again.
      tell("stint/other", "hello", "-i", board);
      await told(`${topic}/status offline`);
      await told(`${topic}/status online`, 2);
      await running.says(/^TLSv1\.2 TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256 - resumed\r?$/);
      tell(`${topic}/switch`, "on");
      await told(`${topic}/lamp on`, 2);
      await running.stop();
      await told(`${topic}/status offline`, 2);
    });
  }

  const REFUSED: [id: string, why: string, more: () => Partial<Made>][] = [
    ["expired", "its certificate has expired", () => ({ port: at.expired })],
    ["elsewhere", "its certificate is for another name", () => ({ port: at.elsewhere })],
    ["unknown", "its certificate is of an authority that we do not know", () => ({ port: at.unknown })],
    ["stranger", "it does not want to speak TLS with us", () => ({
      own: another.issue("lamp", { usage: "clientAuth" }),
    })],
    ["plain", "it reset the connection", () => ({ port: broker.port })],
    ["nobody", "it refuses connections", () => ({ port: clock.port })],
  ];
  for (const [id, why, more] of REFUSED) {
    it(`says that ${why}, tries again, and tells nothing`, async (t) => {
      if (lacks(t, ...NEEDS)) return;
      const running = await lamp("mps2-an385", id, more());
      await running.says(new RegExp(`^broker: ${why}\\r?$`), 2);
      assert.doesNotMatch(running.out, /mqtt: connected/);
      assert.doesNotMatch(topics, new RegExp(`stint/${id}/`));
      await running.stop();
    });
  }

  it("takes no time of an answer to what it did not ask", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const liar = await new TimeServer().start();
    liar.lies = 1;
    const running = await lamp("mps2-an385", "doubter", { time: liar.port });
    const [, time] = await running.says(/^clock: (\d+) s since 1970\r?$/);
    liar.stop();
    assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 60, time);
    await told("stint/doubter/status online");
    await running.stop();
  });

  it("refuses what is not valid yet, by the time that it was told", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const late = await new TimeServer().start();
    late.aheadS = -10 * 365 * 86_400;
    const running = await lamp("mps2-an385", "late", { time: late.port });
    await running.says(/^broker: its certificate is not valid yet\r?$/);
    late.stop();
    await running.stop();
  });
});

describe("its client of MQTT", () => {
  const program = join(scratch, "feed");
  const fed = (t: TestContext): boolean => {
    if (lacks(t, "gcc")) return false;
    if (!existsSync(program)) {
      succeeded("gcc", [
        "-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all", "-Iexamples/mqtt-tls", "tests/boards/mqtt/feed.c", "examples/mqtt-tls/mqtt.c",
        "-o", program,
      ]);
    }
    return true;
  };
  /** What it says of these lines, whatever pieces they come in; without what it sends at its start. */
  const says = (...lines: string[]): string[] => {
    const [whole, ...others] = [1 << 20, 1].map((piece) =>
      succeeded(program, [`${piece}`], { input: lines.join("\n") }));
    for (const other of others) assert.equal(other, whole);
    return whole!.trim().split("\n").slice(1);
  };
  const hex = (text: string): string => Buffer.from(text).toString("hex");
  const length = (n: number): string => n < 128 ? byte(n) : byte(n & 127 | 128) + length(n >> 7);
  const byte = (n: number): string => n.toString(16).padStart(2, "0");
  /** A packet of MQTT 3.1.1, by its first byte and its body, both in hexadecimal. */
  const packet = (type: string, body = ""): string => type + length(body.length / 2) + body;
  const CONNACK = packet("20", "0000"), SUBACK = packet("90", "000101"), UP = [CONNACK, SUBACK];
  const SUBSCRIBED = "sent 820a0001" + `0005${hex("topic")}01`;

  it("§3.1: CONNECT, with a will that is kept", (t) => {
    if (!fed(t)) return;
    const connect = succeeded(program, ["1"], { input: "" }).split("\n")[0];
    assert.equal(connect, `sent 101a0004${hex("MQTT")}0426003c0002${hex("id")}0004${hex("will")}0004${hex("gone")}`);
  });

  it("§3.3: hears messages of QoS 0 and 1, and acknowledges the latter", (t) => {
    if (!fed(t)) return;
    assert.deepEqual(says(...UP, packet("30", `0001${hex("a")}${hex("text")}`), packet("33", `0001${hex("b")}0102`)), [
      SUBSCRIBED, "heard a: 4 bytes", "heard b: 0 bytes", "sent 40020102", "up",
    ]);
  });

  it("skips a message that is too long, and hears the next", (t) => {
    if (!fed(t)) return;
    const long = packet("32", `0001${hex("a")}0001${"00".repeat(20_000)}`);
    assert.deepEqual(says(...UP, long, packet("30", `0001${hex("b")}`)), [
      SUBSCRIBED, "sent 40020001", "heard b: 0 bytes", "skipped 1", "up",
    ]);
  });

  it("§3.12: asks whether the broker is there, and is over when it does not answer", (t) => {
    if (!fed(t)) return;
    assert.deepEqual(says(...UP, "+29", "+1", packet("d0"), "+29", "+1", "+30"), [
      SUBSCRIBED, "sent c000", "sent c000", "it does not answer",
    ]);
    assert.deepEqual(says("+30"), ["it does not answer"]);
  });

  it("is over when the broker sends, and does not read", (t) => {
    if (!fed(t)) return;
    const many = packet("32", `0001${hex("a")}0001`).repeat(200);
    assert.equal(says(...UP, `!${many}`).at(-1), "the broker does not read");
  });

  const HOSTILE: [what: string, why: string, ...lines: string[]][] = [
    ["a length of five bytes", "a length of more than four bytes", "20ffffffff7f"],
    ["256 MB of a CONNACK", "a packet that is too long", "20ffffff7f"],
    ["a message before CONNACK", "no CONNACK", packet("30", `0001${hex("a")}`)],
    ["a CONNACK of one byte", "a CONNACK that is none", packet("20", "00")],
    ["an empty CONNACK", "a CONNACK that is none", packet("20")],
    ["a session that it did not ask for", "a CONNACK that is none", packet("20", "0100")],
    ["a refusal that has no name", "a CONNACK that is none", packet("20", "0006")],
    ["a refusal", "we are not allowed to connect", packet("20", "0005")],
    ["CONNACK twice", "what nobody asked for", CONNACK, CONNACK],
    ["a SUBACK of another number", "a SUBACK that is none", CONNACK, packet("90", "000201")],
    ["a SUBACK of nothing", "a SUBACK that is none", CONNACK, packet("90")],
    ["a subscription that is refused", "it refuses the subscription", CONNACK, packet("90", "000180")],
    ["a SUBACK too many", "what nobody asked for", ...UP, SUBACK],
    ["a PINGRESP that nobody waits for", "what nobody asked for", ...UP, packet("d0")],
    ["flags where there are none", "what nobody asked for", CONNACK, packet("91", "000101")],
    ["a packet of no type", "what nobody asked for", ...UP, packet("00")],
    ["a message without a topic's length", "a message without a topic", ...UP, packet("30", "00")],
    ["an empty message", "a message without a topic", ...UP, packet("30")],
    ["a topic beyond the message", "a topic that is longer than its message", ...UP, packet("30", `ffff${hex("a")}`)],
    ["no room for its number", "a topic that is longer than its message", ...UP, packet("32", `0001${hex("a")}00`)],
    ["an empty topic", "a topic that is longer than its message", ...UP, packet("30", "0000")],
    ["a topic of 60,000 bytes", "a topic that nobody asked for", ...UP, packet("30", `ea60${"61".repeat(60_001)}`)],
    ["a topic with NUL", "a topic that is none", ...UP, packet("30", "000100")],
    ["a topic for many", "a topic that is none", ...UP, packet("30", `0001${hex("#")}`)],
    ["the number 0", "a message whose number is 0", ...UP, packet("32", `0001${hex("a")}0000`)],
    ["QoS 2", "a message of a QoS that was not asked for", ...UP, packet("34", `0001${hex("a")}0001`)],
    ["QoS 3", "a message of a QoS that was not asked for", ...UP, packet("36", `0001${hex("a")}0001`)],
  ];
  for (const [what, why, ...lines] of HOSTILE) {
    it(`is over at ${what}`, (t) => {
      if (!fed(t)) return;
      assert.equal(says(...lines).at(-1), why);
    });
  }

  it("reads nothing behind what came, whatever that is", (t) => {
    if (!fed(t)) return;
    const random = new Random(22), types = ["20", "30", "31", "32", "33", "90", "d0", "40"];
    for (let i = 0; i < 100; i++) {
      const bytes = Buffer.from(random.bytes(random.below(300))).toString("hex");
      const body = random.below(2) === 0 ? bytes : `00${byte(random.below(8))}${bytes}`;
      const any = packet(types[random.below(types.length)]!, body);
      succeeded(program, ["5"], { input: [...UP, any, any].join("\n") });
    }
  });
});
