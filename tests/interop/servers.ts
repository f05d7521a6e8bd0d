/**
 * Servers that nobody here wrote, each on a port of 127.0.0.1, as long as a test needs it. `npm run setup` unpacks
 * them, and says nothing to the machine's own.
 */
import type { ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { findProgram } from "../../host/programs.js";
import { environment, said, started, succeeded, until } from "../harness/programs.js";

/** For servers that refuse to be root's: a user without rights whom every Debian has, and who is not locked. */
export const OTHER = { name: "games", uid: 5, gid: 60 };
const isRoot = process.getuid?.() === 0;

/** How a server is started. */
export interface Recipe {
  program: string;
  args(port: number): string[];
  /** What it says when it serves; without it, it serves when it accepts connections. */
  says?: string | RegExp;
  env?: NodeJS.ProcessEnv;
  envFor?(port: number): NodeJS.ProcessEnv;
  cwd?: string;
  /** How it is ended where it is to say good-bye. */
  signal?: NodeJS.Signals;
}

/** A port that is free, below those that the kernel gives to whoever connects: it stays free while a server is down. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000), server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.on("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

export class Server {
  port = 0;
  #child: ChildProcess | undefined;
  #words = "";

  constructor(readonly recipe: Recipe) {}

  /** Starts it on a port that is free. Somebody else may have taken that meanwhile: then on another. */
  async start(): Promise<this> {
    for (let tries = 5; ; tries--) {
      this.port = await freePort();
      try {
        await this.#start();
        return this;
      } catch (e) {
        await this.stop();
        if (tries === 1) throw e;
      }
    }
  }

  async #start(): Promise<void> {
    const { program, args, says, env, envFor, cwd } = this.recipe;
    const child = started(program, args(this.port), {
      env: environment({ ...env, ...envFor?.(this.port) }), cwd, stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.#words = "";
    for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (d: Buffer) => (this.#words += d));
    if (says !== undefined) {
      await said(child, says);
      return;
    }
    await until(`${program} accepts connections`, async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended: ${this.#words}`);
      return accepts(this.port);
    });
  }

  /** Ends it, and waits until it is gone. */
  async stop(signal: NodeJS.Signals = this.recipe.signal ?? "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("close", resolve));
    child.kill(signal);
    await gone;
  }

  /** Waits until it has ended by itself. */
  ended(): Promise<number | NodeJS.Signals | null> {
    const child = this.#child!;
    const { exitCode, signalCode } = child;
    if (exitCode !== null || signalCode !== null) return Promise.resolve(exitCode ?? signalCode);
    return new Promise((resolve) => child.once("exit", (status, signal) => resolve(status ?? signal)));
  }

  /** Ends it, and starts it on the same port. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#start();
  }
}

/** A program of a server, and the libraries that were unpacked beside it. */
export function unpacked(name: string, root?: string): { program: string; root: string; env: NodeJS.ProcessEnv } {
  const found = realpathSync(findProgram(name)!), named = join(dirname(found), name);
  // Some look at the name that they were started by.
  const real = existsSync(named) ? named : found, [own = ""] = real.split(/\/usr\/(?=s?bin\/|lib\/)/);
  const program = root === undefined || own === "" ? real : join(root, real.slice(own.length));
  const at = root === undefined || own === "" ? own : root;
  const libraries = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const env = at === "" ? {} : { LD_LIBRARY_PATH: join(at, "usr/lib", libraries) };
  return { program, root: at, env };
}

/** Recipes. What they keep is below `scratch`. */
export class Recipes {
  #readable: string | undefined;

  constructor(readonly scratch: string) {}

  #folder(name: string): string {
    return mkdtempSync(join(this.scratch, `${name}-`));
  }

  /** A folder that this user owns, and the program where he can read it. */
  #asOther(name: string): { folder: string; run: string[]; as: ReturnType<typeof unpacked> } {
    const folder = this.#folder(name), as = unpacked(name);
    if (!isRoot) return { folder, run: [], as };
    chmodSync(this.scratch, 0o755);
    chownSync(folder, OTHER.uid, OTHER.gid);
    const run = ["setpriv", `--reuid=${OTHER.uid}`, `--regid=${OTHER.gid}`, "--clear-groups"];
    if (as.root === "") return { folder, run, as };
    if (this.#readable === undefined) {
      this.#readable = join(this.scratch, "servers");
      cpSync(as.root, this.#readable, { recursive: true, verbatimSymlinks: true });
    }
    return { folder, run, as: unpacked(name, this.#readable) };
  }

  redis(): Recipe {
    const { program, env } = unpacked("redis-server"), cwd = this.#folder("redis");
    const args = (port: number): string[] => [
      "--port", `${port}`, "--bind", "127.0.0.1", "--appendonly", "yes", "--save", "",
    ];
    // What it acknowledged it keeps.
    return { program, args, env, cwd, says: "Ready to accept connections", signal: "SIGTERM" };
  }

  /** `secured`: ports on which it speaks TLS as well, each with a certificate; clients have one of `authority`. */
  mosquitto(...secured: { port: number; key: string; cert: string; authority: string }[]): Recipe {
    const { program, env } = unpacked("mosquitto"), cwd = this.#folder("mosquitto");
    const tls = secured.flatMap(({ port, key, cert, authority }) => [
      `listener ${port} 127.0.0.1`, `cafile ${authority}`, `certfile ${cert}`, `keyfile ${key}`,
      "require_certificate true", "use_identity_as_username true",
    ]);
    const args = (port: number): string[] => {
      // With a limit, this version leaves messages lying that others have published with QoS 2.
      const lines = [`listener ${port} 127.0.0.1`, "allow_anonymous true", "max_inflight_messages 0", ...tls];
      writeFileSync(join(cwd, "conf"), [...lines, ...(isRoot ? ["user root"] : []), ""].join("\n"));
      return ["-c", join(cwd, "conf"), "-v"];
    };
    return { program, args, env, cwd, says: /running/ };
  }

  mariadb(): Recipe {
    const { program, root, env } = unpacked("mariadbd"), cwd = this.#folder("mariadb");
    const args = (port: number): string[] => [
      "--no-defaults", `--basedir=${root}/usr`, `--datadir=${cwd}`, `--socket=${cwd}/s`, "--bind-address=127.0.0.1",
      `--port=${port}`, "--skip-grant-tables", "--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M",
      "--innodb-flush-log-at-trx-commit=0", ...(isRoot ? ["--user=root"] : []),
    ];
    return { program, args, env, cwd, says: "ready for connections", signal: "SIGTERM" };
  }

  postgres(): Recipe {
    const { folder, run, as } = this.#asOther("postgres");
    const [program, ...args] = [...run, as.program];
    const data = join(folder, "data"), password = join(this.scratch, "password");
    writeFileSync(password, "stint");
    const [first, ...rest] = [...run, join(dirname(as.program), "initdb")];
    succeeded(first, [
      ...rest, "-D", data, "-U", "stint", "-A", "scram-sha-256", `--pwfile=${password}`, "--no-sync", "--no-locale",
      "-E", "UTF8",
    ], { env: environment(as.env), cwd: folder });
    return {
      program: program,
      args: (port) => [
        ...args, "-D", data, "-p", `${port}`, "-h", "127.0.0.1", "-k", folder, "-F", "-c", "shared_buffers=16MB",
      ],
      env: as.env, cwd: folder, says: "ready to accept connections", signal: "SIGINT",
    };
  }

  /** OpenSSH's server, for files alone: its user may have no shell. `key` is who may come in, `host` the server's. */
  sshd(host: string, key: string): Recipe {
    const { folder, run, as } = this.#asOther("sshd");
    const [program, ...args] = [...run, as.program], config = join(folder, "config");
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      if (isRoot) chownSync(join(folder, name), OTHER.uid, OTHER.gid);
      return join(folder, name);
    };
    mkdirSync(join(folder, "files"), { mode: 0o777 });
    if (isRoot) chownSync(join(folder, "files"), OTHER.uid, OTHER.gid);
    write("config", [
      `HostKey ${write("host", host)}`, `AuthorizedKeysFile ${write("keys", key)}`, "StrictModes no", "UsePAM no",
      "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PidFile none",
      "Subsystem sftp internal-sftp", `ForceCommand internal-sftp -d ${join(folder, "files")}`, "",
    ].join("\n"));
    const listen = (port: number): string[] => ["-o", `ListenAddress=127.0.0.1:${port}`];
    return {
      program: program, args: (port) => [...args, "-D", "-e", "-f", config, ...listen(port)],
      env: as.env, cwd: folder, says: "Server listening",
    };
  }

  /**
   * nginx, whose answers tell the connection that they came by. With certificates it speaks TLS and HTTP/2, has one for
   * each name, the first for all others, and tells what was agreed on.
   */
  nginx(...certificates: { key: string; cert: string; name?: string }[]): Recipe {
    const { program, env } = unpacked("nginx"), cwd = this.#folder("nginx"), files = join(cwd, "files");
    mkdirSync(files);
    writeFileSync(join(files, "hello"), "hello\n");
    writeFileSync(join(files, "many.txt"), "one of many lines\n".repeat(20_000));
    const tls = "$ssl_protocol $ssl_session_reused $ssl_server_name $ssl_alpn_protocol";
    const secured = certificates.map(({ key, cert, name }) => `ssl_certificate ${cert}; ssl_certificate_key ${key};
      ${name === undefined ? "" : `server_name ${name};`} add_header X-TLS "${tls}" always;`);
    const server = (port: number, secure?: string): string => `server {
      listen 127.0.0.1:${port}${secure === undefined ? "" : " ssl http2"}; ${secure ?? ""} root ${files};
      add_header X-Connection $connection always;
      location / { dav_methods PUT DELETE; }
      location /moved { return 302 /hello; }
      location /away { return 503 "later\\n"; }
    }`;
    const args = (port: number): string[] => {
      const servers = secured.length === 0 ? [server(port)] : secured.map((secure) => server(port, secure));
      writeFileSync(join(cwd, "conf"), `
        daemon off; master_process off; pid ${cwd}/pid; error_log ${cwd}/error; ${isRoot ? "user root;" : ""}
        events { worker_connections 256; }
        http {
          access_log off; client_max_body_size 16m; keepalive_requests 10000; gzip on; gzip_min_length 100;
          default_type text/plain; ssl_protocols TLSv1.2 TLSv1.3;
          ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((x) => `${x}_temp_path ${cwd}/${x};`).join(" ")}
          ${servers.join("\n")}
        }`);
      return ["-c", join(cwd, "conf"), "-p", cwd, "-e", join(cwd, "error")];
    };
    return { program, args, env, cwd };
  }
}
