/**
 * Node's own tests, as Debian's source package of Node has them: fetched when they are asked for, at one version with
 * one checksum, into the cache, and never a part of this repository.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { completed, succeeded } from "../harness/programs.js";

const FILE = "nodejs_20.19.2+dfsg.orig.tar.xz",
  URL_ = `https://deb.debian.org/debian/pool/main/n/nodejs/${encodeURIComponent(FILE)}`,
  SHA256 = "5e5559381ad031d245a8efa403458abbb73755f74c3e6380f185a4dd342b7949",
  MEMBERS = ["*/test/parallel/test-net-*", "*/test/parallel/test-dgram-*", "*/test/parallel/test-dns*"];

const { STINT_CACHE, XDG_CACHE_HOME } = process.env,
  cache = STINT_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "stint");

/** The folder `test` of Node's source. */
export async function nodeTests(): Promise<string> {
  const home = join(cache, `node-tests-${SHA256.slice(0, 12)}`),
    tests = join(home, "test");
  if (existsSync(tests)) return tests;
  const part = `${home}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const archive = join(part, "source.tar.xz");
  await completed("curl", ["-sSfL", "--max-time", "200", "-o", archive, URL_.replace("https:", "http:")]);
  const sum = createHash("sha256").update(readFileSync(archive)).digest("hex");
  if (sum !== SHA256) throw new Error(`${URL_} is not what it was: its SHA-256 is ${sum}`);
  const wanted = [...MEMBERS, "*/test/common*", "*/test/fixtures/keys/*"];
  succeeded("tar", ["xJf", archive, "-C", part, "--strip-components=1", "--wildcards", ...wanted]);
  rmSync(archive);
  // The machine as the stack shows it: without IPv6, with the addresses that it has.
  writeFileSync(join(part, "surroundings.cjs"), SURROUNDINGS);
  renameSync(part, home);
  return tests;
}

const SURROUNDINGS = `
const os = require("node:os");
const at = (address, netmask, bits, internal) =>
  ({ address, netmask, family: "IPv4", mac: "00:00:00:00:00:00", internal, cidr: address + "/" + bits });
os.networkInterfaces = () => ({
  lo: [at("127.0.0.1", "255.0.0.0", 8, true)],
  eth0: [at("10.0.0.2", "255.255.255.0", 24, false)],
});
`;
