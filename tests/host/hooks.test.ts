/** .githooks/commit-msg, which Git runs for whoever asks it to (CONTRIBUTING.md): what it takes and what it refuses. */
import assert from "node:assert/strict";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { findProgram } from "../../host/programs.js";
import { environment, ran, type Ran } from "../harness/programs.js";

const HOOK = resolve(".githooks/commit-msg");
const scratch = mkdtempSync(join(tmpdir(), "stint-hooks-"));
after(() => rmSync(scratch, { recursive: true }));

function asked(message: string, locale = "C"): Ran {
  const file = join(scratch, "COMMIT_EDITMSG");
  writeFileSync(file, message);
  return ran(HOOK, [file], { env: environment({ LC_ALL: locale }) });
}

function taken(message: string, locale?: string): void {
  const { status, stderr } = asked(message, locale);
  assert.equal(status, 0, `${message}\n${stderr}`);
  assert.equal(stderr, "");
}

function refused(message: string, why: RegExp): void {
  const { status, stderr } = asked(message);
  assert.equal(status, 1, message);
  assert.match(stderr, why);
}

/** What the hook itself runs: a machine with Node alone has none of it. */
const LACKS = ["sed", "tr", "wc"].filter((program) => findProgram(program) === undefined);
const skip = LACKS.length > 0 && `no ${LACKS.join(", ")}: apt install sed coreutils`;

const LONGEST = `tcp/input: ${"a".repeat(61)}`;

describe("the hook for messages of commits", () => {
  it("can be run", () => accessSync(HOOK, constants.X_OK));

  it("takes a subject of 72 columns, with and without a body", { skip }, () => {
    taken(`${LONGEST}\n`);
    taken(LONGEST);
    taken(`${LONGEST}\n\n${"The body has no such limit. ".repeat(5)}\n`);
  });

  it("refuses one of 73, and says how long it is", { skip }, () => refused(`${LONGEST}a\n`, /73 columns; 72 at most/));

  it("counts characters and not bytes, whatever the locale is", { skip }, () => {
    const text = `docs: ${"§".repeat(66)}`;
    for (const locale of ["C", "C.UTF-8"]) taken(text, locale);
    refused(`${text}§`, /73 columns/);
  });

  it("refuses one that is no words", { skip }, () => {
    refused("x", /in words/);
    refused("wip\n\nA body.", /in words/);
  });

  it("refuses a full stop, and a body right below the subject", { skip }, () => {
    refused("docs: a line.\n", /full stop/);
    refused("docs: a line\nand another one\n", /empty line/);
  });

  it("looks past Git's own lines", { skip }, () => {
    taken(`\n# Please enter the commit message\ndocs: a line\n# ${"a".repeat(100)}\n\n# more\n`);
    taken(`docs: a line\n# ------------------------ >8 ------------------------\ndiff --git a/x b/x\n`);
    refused(`# a comment\n${LONGEST}a\n`, /73 columns/);
  });

  it("leaves the subjects that Git makes to Git, and a message that is empty", { skip }, () => {
    for (const by of ["fixup! ", "squash! ", "amend! ", 'Revert "', "Merge "]) taken(`${by}${LONGEST}\n`);
    taken("# only a comment\n");
  });

  it("is run by Git where it was told to, and nowhere else", { skip }, (t) => {
    if (findProgram("git") === undefined) return t.skip("git is missing: apt install git");
    const cwd = mkdtempSync(join(scratch, "repository-")), none = "/dev/null";
    const env = environment({
      GIT_CONFIG_GLOBAL: none, GIT_CONFIG_SYSTEM: none, GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@example.org",
      GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@example.org",
    });
    for (const name of Object.keys(env)) if (/^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX)$/.test(name)) delete env[name];
    const git = (...args: string[]): Ran => ran("git", args, { cwd, env });
    const commit = (subject: string): number | null => git("commit", "--quiet", "--allow-empty", "-m", subject).status;
    assert.equal(git("init", "--quiet").status, 0);
    assert.equal(commit(`${LONGEST}a`), 0);
    assert.equal(git("config", "core.hooksPath", resolve(".githooks")).status, 0);
    assert.equal(commit(`${LONGEST}a`), 1);
    assert.equal(commit(LONGEST), 0);
  });
});
