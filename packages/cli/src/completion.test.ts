import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { formatCompletion, shells } from "./completion.ts";

const directory = mkdtempSync(join(tmpdir(), "completion-"));
afterAll(() => rmSync(directory, { recursive: true }));

function createProgram(): Command {
  const program = new Command("master").version("1");
  program.command("builds").description("list builds").option("--limit <n>", "how many");
  const build = program.command("build").description("one build");
  build.command("show <build>").description("show a build's steps").option("--json", "as JSON");
  build.command("stop <build>").description("stop it");
  return program;
}

/** What bash offers for these words, of which the last is still being typed. */
function complete(...words: string[]): string[] {
  const script = join(directory, "master.bash");
  writeFileSync(script, formatCompletion("bash", createProgram()));
  const act = `source ${script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _master; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", act, "bash", ...words], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean);
}

describe("the completion of bash", () => {
  it("offers commands, and commands below a command", () => {
    expect(complete("master", "bu")).toEqual(["builds", "build"]);
    expect(complete("master", "build", "s")).toEqual(["show", "stop"]);
  });

  it("offers the options of the command that was typed, whatever stands between", () => {
    expect(complete("master", "build", "show", "web/1", "--")).toEqual(["--json", "--help"]);
    expect(complete("master", "builds", "--li")).toEqual(["--limit"]);
  });

  it("offers nothing where nothing fits", () => {
    expect(complete("master", "build", "show", "we")).toEqual([]);
  });
});

it.each(shells)("the completion of %s names each command", (shell) => {
  const script = formatCompletion(shell, createProgram());
  for (const word of ["builds", "build", "show", "stop", "json", "limit"]) expect(script).toContain(word);
});
