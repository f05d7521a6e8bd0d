/** The runner never passes over a word: what it does not understand is an error or "unsupported". */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse, SyntaxError } from "../../host/packetdrill/parse.js";
import { Runner, type How, type Outcome } from "../../host/packetdrill/run.js";

const FOLDER = "tests/packetdrill", DEFINES = new Set(["STANDARD"]);
const run = (text: string, how: How = {}): Outcome => {
  try {
    return new Runner(parse(text, "script.pkt", DEFINES), how).run();
  } catch (e) {
    if (!(e instanceof SyntaxError)) throw e;
    return { file: "script.pkt", result: "failed", got: e.message };
  }
};
const OPEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32000 <mss 1000,sackOK,nop,nop>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 32000
+0 accept(3, ..., ...) = 4
`;
const passes = (text: string): void => assert.equal(run(text).result, "passed", `${run(text).got} in ${text}`);
const refuses = (text: string, why?: RegExp): void => {
  const o = run(text);
  assert.notEqual(o.result, "passed", text);
  if (why) assert.match(o.got!, why);
};

describe("the runner, words that it does not know", () => {
  it("passes no script of ours with a word of it replaced", () => {
    const seen = new Set<string>();
    let tried = 0;
    const scripts = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".pkt"));
    for (const file of scripts.sort()) {
      const text = readFileSync(join(FOLDER, file), "utf8");
      // What the C library calls an error, and what stands in a comment, is for people.
      const read = text.replace(/\/\/.*|(?<=E[A-Z]+ )\([^)\n]*\)/g, (s) => " ".repeat(s.length));
      for (const m of read.matchAll(/[A-Za-z_][A-Za-z_.]*/g)) {
        const from = read.lastIndexOf("\n", m.index) + 1;
        const line = read.slice(from, (read.indexOf("\n", m.index) + 1 || read.length + 1) - 1);
        const place = [line.slice(0, m.index - from), line.slice(m.index - from)].join("|").replace(/[\d.]+/g, "1");
        if (seen.has(place)) continue;
        seen.add(place);
        const end = m.index + m[0].length;
        const word = tried++ % 2 ? "xyzzy" : `${m[0]}_xyzzy`, changed = text.slice(0, m.index) + word + text.slice(end);
        assert.notEqual(run(changed).result, "passed", `${file}: "${m[0]}" as "${word}" in: ${line.trim()}`);
      }
    }
    assert.ok(tried > 500, `${tried} were tried`);
  });

  it("passes no script of ours with something behind a line", () => {
    const seen = new Set<string>();
    for (const file of readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
      .filter((f) => f.endsWith(".pkt"))
      .sort()) {
        const lines = readFileSync(join(FOLDER, file), "utf8").split("\n");
        for (const [i, line] of lines.entries()) {
          const kind = line.replace(/[\d.]+/g, "1");
          if (/^\s*(\/\/.*)?$/.test(line) || seen.has(kind)) continue;
          seen.add(kind);
          for (const tail of [" xyzzy", " 7", " +0 close(3) = 0", " ]"]) {
            assert.notEqual(run(lines.with(i, line + tail).join("\n")).result, "passed", `${file}: ${line}${tail}`);
          }
        }
      }
  });
});

describe("the runner, commands", () => {
  it("reads the arguments of set_sysctls.py", () => {
    passes(`\`../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0\`\n${OPEN.replace("<...>", "<mss 1460>")}`);
    passes(
      `\`./set_sysctls.py /proc/sys/net/ipv4/tcp_sack=1 \\\n  /proc/sys/net/ipv4/tcp_rmem="4096 131072 `
        + `$((8*1024*1024))"\`\n${OPEN.replace("<...>", "<mss 1460,sackOK,nop,nop>")}`,
    );
    refuses(`\`../common/set_sysctls.py /proc/sys/net/ipv4/tcp_unheard_of=0\`\n${OPEN}`, /tcp_unheard_of/);
    refuses(`\`../common/set_sysctls.py xyzzy\`\n${OPEN}`, /xyzzy/);
    refuses(`\`../common/defaults.sh xyzzy\`\n${OPEN}`, /xyzzy/);
  });

  it("reads a comment behind a setting, and several settings", () => {
    const with0 = OPEN.replace("<...>", "<mss 1460>"), with1 = OPEN.replace("<...>", "<mss 1460,sackOK,nop,nop>");
    passes(`\`sysctl -q net.ipv4.tcp_sack=1  # as it is\`\n${with1}`);
    passes(`\`sysctl -q net.ipv4.tcp_sack=0  # not now\`\n${with0}`);
    passes(`\`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0 >/dev/null 2>&1\`\n${with0}`);
    for (const value of ["", "abc", "1abc", "NaN", "-1", "2", "1.5"])
      refuses(`\`sysctl -q net.ipv4.tcp_sack=${value}\`\n${OPEN}`, /tcp_sack/);
  });

  it("refuses settings whose effect it does not have, and what it would do later", () => {
    for (const s of [
      "tcp_slow_start_after_idle=0", "tcp_syn_retries=1", "tcp_ecn=3", "tcp_recovery=2", "tcp_congestion_control=bbr",
      "tcp_notsent_lowat=1",
    ])
      refuses(`\`sysctl -q net.ipv4.${s}\`\n${OPEN}`, /tcp_|bbr/);
    refuses(
      `${OPEN}+0 \`sysctl -q net.ipv4.tcp_sack=0\`\n+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n`, /has begun/,
    );
    passes(`${OPEN}+0 close(4) = 0\n+0 \`sysctl -q net.ipv4.tcp_sack=0\`\n`);
    for (const c of [
      "sleep 1", "echo 1 > /proc/sys/net/ipv4/tcp_sack", "tc qdisc add dev tun0 root netem delay 10ms",
      "ip route change 1.2.3.4 initcwnd 20", "true | false", "sysctl -a",
    ])
      refuses(`${OPEN}+0 \`${c}\`\n`, /the command/);
  });

  it("has the sizes of buffers that Linux has, and refuses those that would show", () => {
    const sized = (what: string): string => `\`sysctl -q net.ipv4.${what}\`\n${OPEN}`;
    const scaled = (most: number, scale: number): string => {
      const open = OPEN.replace("sackOK,nop,nop>", "nop,wscale 7>").replace("<...>", `<mss 1460,nop,wscale ${scale}>`);
      return `\`sysctl -q net.ipv4.tcp_rmem="4096 131072 ${most}"\`\n${open}`;
    };
    passes(scaled(6291456, 7));
    passes(scaled(15728640, 8));
    passes(sized(`tcp_wmem="4096 16384 4194304"`));
    const small = [
      `tcp_rmem="4096 8192 8192"`, `tcp_rmem="4096 131072 65536"`, `tcp_rmem="4096 131072"`, `tcp_rmem=131072`,
      `tcp_wmem="4096 4096 4096"`, `tcp_wmem="4096 16384"`, `tcp_mem="1 2 3"`,
    ];
    for (const s of small) refuses(sized(s), /tcp_[rw]?mem/);
    for (const s of ["net.core.rmem_max=0", "net.core.wmem_default=1", "net.core.somaxconn=0"])
      refuses(`\`sysctl -q ${s}\`\n${OPEN}`, /net.core/);
  });

  it("refuses what a limit that it does not have could have changed, and nothing else", () => {
    const limited = (ms: number, rest: string): string =>
      `\`sysctl -q net.ipv4.tcp_invalid_ratelimit=${ms}\`\n${OPEN}${rest}`;
    const wrong = "+0 < P. 1:11(10) ack 4000000000 win 100\n", answer = "+0 > . 1:1(0) ack 1\n";
    passes(limited(0, wrong + answer));
    passes(limited(500, wrong + answer + wrong.repeat(30)));
    refuses(limited(0, wrong + answer + wrong.repeat(30)), /ratelimit/);
    refuses(limited(2000, wrong + answer + "+.6 < P. 1:11(10) ack 4000000000 win 100\n" + answer), /ratelimit/);
  });

  it("refuses an MSS, or congestion control, that is set when it could have shown already", () => {
    const reno = `+0 setsockopt(4, SOL_TCP, TCP_CONGESTION, "reno", 4) = 0\n`;
    const text = "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n";
    passes(OPEN + reno + text);
    refuses(OPEN + text + reno, /TCP_CONGESTION/);
    refuses(OPEN + reno + reno.replace("reno", "cubic") + text, /TCP_CONGESTION/);
    refuses(`${OPEN}+0 setsockopt(4, SOL_TCP, TCP_MAXSEG, [1000], 4) = 0\n`, /TCP_MAXSEG/);
  });

  it("passes over print and import only where they can do nothing", () => {
    const code = (text: string): string => `${OPEN}+0 %{ ${text} }%\n`;
    for (const t of [
      "import math", "print(tcpi_state)", `print("cwnd: %d, %s" % (tcpi_snd_cwnd, 1 + 2))`,
      "print ('a', str(tcpi_rto))",
    ])
      passes(code(t));
    for (const t of [
      "import xyzzy", "print(tcpi_unheard_of)", "print(exit(1))", "print(1", "print(1) 1", "print('a' 'b)",
      "print(x = 1)",
    ])
      refuses(code(t), /the code/);
  });

  it("has RFC 5961 turned off by settings", () => {
    const off = (name: string): string => `\`sysctl -w net.inet.tcp.insecure_${name}=1\`\n${OPEN}`;
    passes(`${off("rst")}+0 < R 100:100(0) win 100\n+0 %{ assert tcpi_state == TCPI_LISTEN }%\n`);
    passes(`${off("syn")}+0 < S 101:101(0) win 100\n+0 > R. 1:1(0) ack 1\n`);
    passes(`${off("ack")}+0 < P. 1:11(10) ack 4000000000 win 100\n+0 read(4, ..., 10) = 10\n`);
    for (const name of ["rst", "syn", "ack"])
      refuses(`\`sysctl -w net.inet.tcp.insecure_${name}=2\`\n${OPEN}`, /insecure/);
  });

  it("has keep-alive's times from settings", () => {
    passes(
      `\`sysctl -q net.ipv4.tcp_keepalive_time=5 net.ipv4.tcp_keepalive_intvl=2 `
        + `net.ipv4.tcp_keepalive_probes=2\`\n${OPEN}+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) `
        + `= 0\n+5~+5.2 > . 0:0(0) ack 1\n+2~+2.2 > . 0:0(0) ack 1\n`,
    );
  });
});

describe("the runner, packets", () => {
  const refused = (lines: string[], why?: RegExp): void => lines.forEach((line) => refuses(`${OPEN}${line}\n`, why));

  it("refuses flags, options and lengths that are none", () => {
    refused([
      "+0 < X. 1:1(0) ack 1 win 100", "+0 < .. 1:1(0) ack 1 win 100", "+0 < . 1:1(0) ack 1 win 100 <xyzzy>",
      "+0 < . 1:1(0) ack 1 win 100 <mss 70000>", "+0 < . 1:1(0) ack 1 win 70000", "+0 < . 1:5(10) ack 1 win 100",
      "+0 < . 1:1(0) win 100", "+0 < . 1:1(0) ack 1 ack 1 win 100", "+0 < . 1:1(0) ack 1 win 100 <TS value 1 ecr 1>",
      "+0 < . 5000000000:5000000000(0) ack 1 win 100", "+0 < . 1:1(0) ack 1 win 100 <FO 123>",
      "+0 < . 1:1(0) ack 1 win 100 <...>", "+0 < [ect01] . 1:1(0) ack 1 win 100",
    ]);
  });

  it("compares fields of the IP header and the urgent pointer, and refuses other fields", () => {
    const listener = (options: string): string => OPEN.replace("+0 listen", `${options}+0 listen`);
    const set =
      "+0 setsockopt(3, IPPROTO_IP, IP_TOS, [0x48], 4) = 0\n+0 setsockopt(3, IPPROTO_IP, IP_TTL, [17], 4) = 0\n";
    passes(listener(set).replace("> S.", "> [tos 0x48] S."));
    passes(listener(set).replace("> S.", "> (tos 72, ttl 17) S."));
    refuses(listener(set).replace("> S.", "> [tos 0x28] S."), /TOS/);
    refuses(listener(set).replace("> S.", "> [ttl 64] S."), /time to live/);
    refused([
      "+0 < [hops 3] . 1:1(0) ack 1 win 100", "+0 < [tos 300] . 1:1(0) ack 1 win 100",
      "+0 < [tos 3) . 1:1(0) ack 1 win 100", "+0 < [tos 3, tos 3] . 1:1(0) ack 1 win 100",
    ]);
    passes(`${OPEN}+0 send(4, ..., 10, MSG_OOB) = 10\n+0 > PU. 1:11(10) ack 1 urg 10\n`);
    refuses(`${OPEN}+0 send(4, ..., 10, MSG_OOB) = 10\n+0 > PU. 1:11(10) ack 1 urg 4\n`, /urgent pointer/);
  });

  it("reads ICMP's types and codes by number, and refuses others", () => {
    const refusedBy = (icmp: string): string => `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
+.1 < icmp ${icmp} [0:0(0)]
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0
`;
    for (const icmp of [
      "unreachable port_unreachable", "type_3 code_3", "unreachable code_3", "type_3 port_unreachable",
      "destination_unreachable port_unreachable",
    ])
      passes(refusedBy(icmp));
    for (const icmp of [
      "unreachable xyzzy", "xyzzy", "type_300 code_3", "type_3 code_300", "unreachable port_unreachable xyzzy",
      "unreachable mtu 1e9",
    ])
      refuses(refusedBy(icmp));
    refuses(refusedBy("unreachable port_unreachable").replace("[0:0(0)]", "[0:0(0) xyzzy]"));
  });
});

describe("the runner, datagrams", () => {
  const BOUND = "0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3\n+0 bind(3, ..., ...) = 0\n";
  const sends = (line: string): string => `${BOUND}+0 sendto(3, ..., 10, 0, ..., ...) = 10\n${line}\n`;

  it("fails one of another length, field, kind or time, and one that does not come", () => {
    passes(sends("+0 > udp (10)"));
    for (const [line, why] of [
      ["> udp (11)", /10 bytes/], ["> [tos 4] udp (10)", /TOS/], ["> [ttl 63] udp (10)", /time to live/],
      ["> [ce] udp (10)", /ECN/], ["> P. 1:11(10) ack 1", /udp \(10\) came/],
      ["> icmp unreachable port_unreachable", /udp \(10\) came/],
    ] as const)
      refuses(sends(`+0 ${line}`), why);
    refuses(sends("+1 > udp (10)"), /it was sent at/);
    refuses(sends("+0 > udp (10)\n+0 > udp (10)"), /nothing was sent/);
  });

  it("compares what an ICMP message quotes, and its MTU", () => {
    const asked = (icmp: string): string => `0 socket(..., SOCK_DGRAM, 0) = 3\n+0 < udp (100)\n+0 > icmp ${icmp}\n`;
    passes(asked("unreachable port_unreachable [udp (100)]"));
    for (const icmp of [
      "unreachable port_unreachable [udp (99)]", "unreachable port_unreachable [1:1(0)]",
      "unreachable port_unreachable mtu 7 [udp (100)]", "unreachable port_unreachable [udp 100]",
      "unreachable port_unreachable [udp (100) xyzzy]",
    ])
      refuses(asked(icmp));
  });

  it("refuses words, sizes and options that it does not have", () => {
    for (const line of [
      "< udp", "< udp 10", "< udp (70000)", "< udp (10) <mss 1>", "< udp (10) ack 1", "< udp (x)", "< [ect01] udp (10)",
      "< udplite (10)", "setsockopt(3, IPPROTO_IP, IP_TOS, [4], 4) = 0",
      "setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0", "getsockopt(3, SOL_SOCKET, SO_RCVBUF, [0], [4]) = 0",
      "ioctl(3, SIOCOUTQ, [0]) = 0", "shutdown(3, SHUT_RD) = 0", "sendto(3, ..., 10, MSG_FASTOPEN, ..., ...) = 10",
      "sendto(3, ..., 3000, 0, ..., ...) = 3000", "send(3, ..., 10, MSG_MORE) = 10",
    ])
      refuses(`${BOUND}+0 ${line}\n`);
  });

  it("brings one that is longer than the MTU as one packet", () => {
    passes(`${BOUND}+0 < udp (9000)\n+0 read(3, ..., 10000) = 9000\n`);
  });
});

describe("the runner, times", () => {
  it("fails a call that returns before the script says, and takes a length of time for calls alone", () => {
    refuses(
      `${OPEN}+0 < P. 1:6(5) ack 1 win 32000\n+0 > . 1:1(0) ack 6\n+0...+0.2 read(4, ..., 10) = 5\n`, /it returned at/,
    );
    for (const line of [
      "+0...0.1 `true`", "+0...0.1 %{ assert 1 }%", "+0...0.1 < . 1:1(0) ack 1 win 100", "+0...0.1 > . 1:1(0) ack 1",
    ])
      refuses(`${OPEN}${line}\n`);
  });

  it("fails what the stack sends in another order, of whatever kind", () => {
    refuses(
      `${OPEN}+0 < icmp echo_request\n+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+0 > icmp echo_reply\n`,
      /ICMP of type 0, code 0 came/,
    );
  });
});

describe("the runner, system calls", () => {
  it("refuses flags, options, fields and arguments that it does not have", () => {
    for (const call of [
      "send(4, ..., 10, MSG_MORE) = 10", "send(4, ..., 10, 0x8000) = 10", "recv(4, ..., 10, MSG_WAITALL) = 10",
      "setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0", "setsockopt(4, SOL_SOCKET, TCP_NODELAY, [1], 4) = 0",
      "setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 1) = 0", "setsockopt(4, SOL_TCP, TCP_KEEPCNT, [1], 4) = 0",
      'setsockopt(4, SOL_TCP, TCP_CONGESTION, "bbr", 3) = 0',
      "setsockopt(4, IPPROTO_IP, IP_MTU_DISCOVER, [IP_PMTUDISC_DONT], 4) = 0",
      "socket(..., SOCK_DGRAM, IPPROTO_TCP) = 5", "socket(..., SOCK_STREAM, IPPROTO_UDP) = 5",
      "socket(..., SOCK_NONBLOCK, 0) = 5", "socket(..., SOCK_STREAM|SOCK_DGRAM, 0) = 5", "fcntl(4, F_SETFD, 1) = 0",
      "fcntl(4, F_SETFL, O_RDWR|O_ASYNC) = 0", "shutdown(4, SHUT_XYZZY) = 0", "close(4, 4) = 0",
      'write(4, "text", 4) = 4', "bind(4, {sa_family=AF_INET, sin_port=htons(99)}, 16) = 0",
      "poll([{fd=4, events=POLLOUT, xyzzy=1}], 1, 0) = 1", "poll([{fd=4, events=POLLOUT|POLLXYZZY}], 1, 0) = 1",
      "poll([{fd=4, events=POLLOUT}], 2, 0) = 1", "poll([{fd=9, events=POLLOUT}, {fd=4, events=POLLOUT}], 2, 0) = 1",
      "close(4) = 0 EFOO", "close(4) = xyzzy",
      "poll([{fd=4, events=POLLOUT}, {fd=3, events=POLLIN, revents=POLLIN}], 2, 0) = 1",
    ])
      refuses(`${OPEN}+0 ${call}\n`);
  });

  it("refuses numbers of pieces, and sizes, that are not those", () => {
    const text = "+0 < P. 1:6(5) ack 1 win 32000\n+0 > . 1:1(0) ack 6\n", two = "[{..., 3}, {..., 3}]";
    passes(`${OPEN}${text}+0 readv(4, ${two}, 2) = 5\n`);
    passes(`${OPEN}${text}+0 recvmsg(4, {msg_iov(2)=${two}, msg_iovlen=2}, 0) = 5\n`);
    passes(`${OPEN}+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n`);
    for (const call of [
      `readv(4, ${two}, 3) = 5`, `recvmsg(4, {msg_iov(3)=${two}}, 0) = 5`,
      `recvmsg(4, {msg_iov=${two}, msg_iovlen=1}, 0) = 5`,
    ])
      refuses(`${OPEN}${text}+0 ${call}\n`);
    for (const call of [
      `writev(4, ${two}, 1) = 6\n+0 > P. 1:7(6) ack 1`, `sendmsg(4, {msg_iov(1)=${two}}, 0) = 6\n+0 > P. 1:7(6) ack 1`,
      "getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [5]) = 0", "getsockopt(4, SOL_TCP, TCP_MAXSEG, [1000], 7) = 0",
    ])
      refuses(`${OPEN}+0 ${call}\n`);
  });

  it("makes a socket that does not block from SOCK_NONBLOCK, and reads iovecs with their number", () => {
    passes(
      "0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) "
        + "= -1 EINPROGRESS (Operation now in progress)\n",
    );
    passes(
      `${OPEN}+0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=0}, 0) `
        + `= 30\n+0 > P. 1:31(30) ack 1\n`,
    );
  });
});

describe("the runner, script options", () => {
  it("refuses those that it does not know, and values that are none", () => {
    for (const o of [
      "--xyzzy=1", "--mtu", "--mtu=abc", "--mtu=10", "--tolerance_usecs=x", "--tcp_ts_tick_usecs=5",
      "--ip_version=ipv5", "--ip_version",
    ])
      refuses(`${o}\n${OPEN}`, /--/);
    passes(`--mtu=1500\n--tolerance_usecs=10000\n${OPEN}`);
    refuses(`--mtu=1500\n--mtu=1400\n${OPEN}`, /twice/);
  });

  it("refuses directives that it cannot follow, and times that run backwards", () => {
    for (const d of ["#include <x>", "#if 1 + 1\n#endif", "#ifdef A B\n#endif", "#elif A"]) refuses(`${d}\n${OPEN}`);
    passes(`#define OTHER\n#ifdef OTHER\n${OPEN}#else\nxyzzy\n#endif\n`);
    for (const t of [
      "+0...+0.2 read(4, ..., 1) = 1", "+0.2~0.3 > . 1:1(0) ack 1", "0.5...0.2 read(4, ..., 1) = 1",
    ].slice(1))
      refuses(`${OPEN}${t}\n`, /expected|before/);
    refuses(`${OPEN}0.01 close(4) = 0\n`, /over at 0\.1/);
    refuses(`${OPEN}0.01 < P. 1:11(10) ack 1 win 100\n`, /over at 0\.1/);
    passes(`${OPEN}0.1 close(4) = 0\n`);
  });
});

describe("the runner, what cannot be", () => {
  it("is refused: a script without an event, a list that goes on, bytes that nobody has, a window that is not said, "
      + "options that no header has room for", () => {
    for (const text of ["", "// RFC 9293\n", "--mtu=1500\n", "`true`\n", "#ifdef OTHER\n+0 close(3) = 0\n#endif\n"])
      refuses(text, /without any/);
    refuses(`${OPEN}+0 close(4,) = 0\n`, /expected/);
    for (const call of [
      "write(4, ..., -10) = 10", "read(4, ..., -1) = -1 EAGAIN", "sendto(4, ..., -1, 0, ..., ...) = 1",
      "writev(4, [{..., -1}], 1) = 1",
    ])
      refuses(`${OPEN}+0 ${call}\n`, /argument/);
    refuses(`${OPEN}+0 < P. 1:11(10) ack 1\n`, /the window/);
    const sack = (blocks: string): string => `${OPEN}+0 < . 1:1(0) ack 1 win 100 <sack ${blocks}>\n`;
    passes(sack("1:2 3:4 5:6 7:8"));
    refuses(sack("1:2 3:4 5:6 7:8 9:10"), /bytes of options/);
  });
});

describe("the runner, assertions", () => {
  const code = (text: string): string => `${OPEN}+0 %{ ${text} }%\n`;

  it("reads them as Python does", () => {
    for (const t of [
      "assert 1 < 2 < 3",
      "assert 7 // 2 == 3",
      "assert -7 // 2 == -4 and -7 % 3 == 2",
      "assert not (1 == 2)",
      "assert 5 & 4 == 4 | 0",
      "assert 1 == 1, tcpi_snd_cwnd",
      "assert 1, 'why, so'",
      "assert 1 # 2",
      "assert tcpi_snd_cwnd == 10; assert tcpi_ca_state == TCP_CA_Open",
      "assert min(3, 2) == 2 and abs(-1) == 1",
      "assert 6 / 4 == 1.5",
      "assert 0x10 == 16",
    ])
      passes(code(t));
    const wrong = [
      "assert 3 > 2 > 5", "assert 1 < 5 < 3", "assert 7 // 2 == 4", "assert 0", "assert (1 << 40) | 1 == 1",
      "assert 0x80000000 & 0x80000000 < 0",
    ];
    for (const t of wrong)
      assert.equal(run(code(t)).result, "failed", t);
    for (const t of [
      "assert tcpi_unheard_of == 1", "assert 1 or xyzzy", "assert 1 == 1 xyzzy", "assert 1 == 1, xyzzy", "assert (1",
      "assert", "if 1: pass", "assert constructor", "assertfoo", "assert 1 ** 2", "assert 'a'", "printx",
      // Python raises an error for these.
      "assert 1 / 0", "assert not 5 % 0 == 3", "assert 1 // 0", "assert 1 << -1 == 0", "assert 1.5 & 1",
    ]) {
      assert.equal(run(code(t)).result, "unsupported", t);
    }
  });

  it("tells what is lost and what was sent again", () => {
    const says = (lost: number, again: number): string =>
      `+0 %{ assert tcpi_lost == ${lost} and tcpi_retrans == ${again} }%\n`;
    const hole = readFileSync(join(FOLDER, "sack/hole-is-sent.pkt"), "utf8").split("\n");
    const end = hole.findLastIndex((l) => l.includes("ack 6001"));
    passes([...hole.slice(0, end), says(1, 1) + hole[end], says(0, 0)].join("\n"));
    const timeout = readFileSync(join(FOLDER, "retransmit/time-out-cwnd.pkt"), "utf8").split("\n");
    const at = timeout.findIndex((l) => l.includes("assert"));
    passes([...timeout.slice(0, at), says(3, 1), ...timeout.slice(at)].join("\n"));
  });

  it("tells Disorder and CWR", () => {
    passes(
      `${OPEN}+0 write(4, ..., 4000) = 4000\n+0 > P. 1:4001(4000) ack 1\n+.1 < . 1:1(0) ack 1 win 32000 <sack `
        + `2001:3001,nop,nop>\n+0 %{ assert tcpi_ca_state == TCP_CA_Disorder }%\n`,
    );
    const reduce = readFileSync(join(FOLDER, "ecn/reduce.pkt"), "utf8").trimEnd();
    passes(`${reduce}\n+0 %{ assert tcpi_ca_state == TCP_CA_CWR }%\n`);
  });
});

describe("the runner, ways to run a script", () => {
  it("leaves PSH out of the comparison when it is told to, and nothing else", () => {
    const script = (flags: string): string => `${OPEN}+0 write(4, ..., 10) = 10\n+0 > ${flags} 1:11(10) ack 1\n`;
    for (const flags of [".", "P."]) assert.equal(run(script(flags), { ignorePush: true }).result, "passed", flags);
    for (const flags of ["F.", "PU.", "P"])
      assert.notEqual(
        run(script(flags).replace(/ack 1\n$/, flags === "P" ? "\n" : "ack 1\n"), { ignorePush: true }).result, "passed",
        flags,
      );
    assert.equal(run(script(".")).result, "failed");
  });

  it("has the defaults of the dialect that it is told", () => {
    const scale = (n: number): string =>
      OPEN.replace("mss 1000,sackOK", "mss 1000,wscale 2,sackOK").replace(
        "<...>", `<mss 1460,sackOK,nop,nop,nop,wscale ${n}>`,
      );
    assert.equal(run(scale(8), { dialect: "linux" }).result, "passed");
    assert.equal(run(scale(6), { dialect: "freebsd" }).result, "passed");
    assert.equal(run(scale(6), { dialect: "linux" }).result, "failed");
  });

  it("brings a segment that is longer than the MTU as one packet, and goes on sending by the MSS", () => {
    const open = OPEN.replace("mss 1000", "mss 1460").replace("<...>", "<mss 1460,sackOK,nop,nop>");
    passes(
      `${open}+0 < P. 1:10001(10000) ack 1 win 32000\n+0 > . 1:1(0) ack 10001\n+0 write(4, ..., 2920) = 2920\n+0 > . `
        + `1:1461(1460) ack 10001\n+0 > P. 1461:2921(1460) ack 10001\n`,
    );
  });
});
