/** Giving up privileges that are needed once: to open a device, to make a file. */
import { execFileSync } from "node:child_process";

/** What the system says about a user. Throws a RangeError with one line. */
export function checkUser(name: string): void {
  if (!/^[a-z_][\w.-]*$/i.test(name)) throw new RangeError(`--user: "${name}" is no name of a user`);
  if (process.getuid?.() !== 0) throw new RangeError("--user: only root can become another user");
  idOf(name);
}

/** The numbers of a user and its group. Throws a RangeError with one line. */
export function idOf(name: string): { uid: number; gid: number } {
  try {
    const id = (option: string): number =>
      Number(execFileSync("id", [option, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    throw new RangeError(`--user: there is no user ${name}`);
  }
}

/** Becomes `name`, with its groups and no others, for good. */
export function becomeUser(name: string): void {
  const { uid, gid } = idOf(name);
  // The groups first: afterwards nobody here may change them.
  (process as unknown as { initgroups(user: string, group: number): void }).initgroups(name, gid);
  process.setgid!(gid);
  process.setuid!(uid);
  if (uid === 0) return;
  let back = true;
  try {
    process.setuid!(0);
  } catch {
    back = false;
  }
  if (back || process.geteuid!() !== uid || process.getegid!() !== gid)
    throw new Error("the privileges could not be given up");
}
