/** Certificates, made with openssl as long as a test needs them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { succeeded } from "../harness/programs.js";

export interface Certificate {
  key: string;
  cert: string;
}

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const RSA = ["-newkey", "rsa:2048", "-nodes"];

/** An authority, whose certificates lie in a folder. */
export class Authority implements Certificate {
  readonly key: string;
  readonly cert: string;

  constructor(readonly folder: string, readonly name: string) {
    this.key = join(folder, `${name}.key`);
    this.cert = join(folder, `${name}.pem`);
    succeeded("openssl", [
      "req", "-x509", ...EC, "-days", "2", "-subj", `/CN=${name}`, "-keyout", this.key, "-out", this.cert,
    ]);
  }

  /**
   * A certificate for a name. `days`: how long it holds from now on; it has ended where that is below 0. `usage`: what
   * for; `as`: what its files are called, beside others for the same name.
   */
  issue(name: string, { days = 2, rsa = false, usage = "serverAuth", as = name } = {}): Certificate {
    const at = join(this.folder, `${this.name}-${as}`), key = `${at}.key`, cert = `${at}.pem`;
    const request = `${at}.csr`, extensions = `${at}.ext`;
    succeeded("openssl", ["req", ...(rsa ? RSA : EC), "-subj", `/CN=${name}`, "-keyout", key, "-out", request]);
    writeFileSync(extensions, `subjectAltName=DNS:${name}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=${usage}\n`);
    succeeded("openssl", [
      "x509", "-req", "-in", request, "-CA", this.cert, "-CAkey", this.key, "-CAcreateserial", "-days", `${days}`,
      "-extfile", extensions, "-out", cert,
    ]);
    return { key, cert };
  }
}
