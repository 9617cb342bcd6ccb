import { interpolate, secret } from "@multimaster/config";
import { describe, expect, it } from "vitest";
import type { StepDefinition } from "./define-step.ts";
import shell from "./steps/shell.ts";

const warningsOf = (options: Parameters<typeof shell>[0]) =>
  ((shell(options).plugin as StepDefinition).warnings?.(options) ?? []).map(
    ({ path, sentence }) => `${path.join(".")}: ${sentence}`,
  );

describe("a command in a config is warned of", () => {
  it.each([
    [
      "a property as code",
      interpolate("make ${raw:flags} ${raw:more:-x}"),
      /^command: puts \$\{raw:flags\}, \$\{raw:more\}/,
    ],
    ["an inner shell", interpolate("sh -c 'make ${target}'"), /"sh -c" interprets its arguments as code/],
    ["eval", interpolate("eval make ${target}"), /"eval" interprets/],
    ["another host's shell", interpolate("ssh host make ${target}"), /"ssh" interprets/],
    [
      "a shell in a list",
      ["sh", "-c", interpolate("make ${target}")],
      /^command: "sh -c" interprets an argument as code/,
    ],
    [
      "a shell with a path",
      ["/bin/bash", "-e", "-lc", interpolate("make ${raw:target}")],
      /"\/bin\/bash -lc" interprets/,
    ],
    ["a shell within a list", ["docker", "exec", "c", "sh", "-c", interpolate("make ${target}")], /"sh -c" interprets/],
    ["another language", ["python3", "-c", interpolate("print('${target}')")], /"python3 -c" interprets/],
    ["Windows' shell", ["cmd.exe", "/c", interpolate("make ${target}")], /"cmd.exe \/c" interprets/],
    [
      "another host's shell in a list",
      ["ssh", "host", "make", interpolate("${target}")],
      /"ssh" interprets an argument/,
    ],
    ["a secret in a text", interpolate("curl -H 'X: ${secret:token}'"), /^command: puts a secret on the command line/],
    ["a secret in a list", ["curl", interpolate("-uci:${secret:token}")], /puts a secret on the command line/],
    ["a secret as an argument", ["login", secret("token")], /puts a secret on the command line/],
  ])("for %s", (_, command, expected) => {
    expect(warningsOf({ command })).toEqual([expect.stringMatching(expected)]);
  });

  it("not for values that are quoted, lists, or secrets in env", () => {
    expect(warningsOf({ command: interpolate("make ${target} $${raw:x}") })).toEqual([]);
    expect(warningsOf({ command: ["make", interpolate("${raw:target}")] })).toEqual([]);
    expect(warningsOf({ command: ["sh", "-c", 'make "$1"', "sh", interpolate("${target}")] })).toEqual([]);
    expect(warningsOf({ command: ["sh", "./run.sh", interpolate("${target}")] })).toEqual([]);
    expect(warningsOf({ command: ["sh", "-c", "make"], env: { T: interpolate("${target}") } })).toEqual([]);
    expect(warningsOf({ command: "make", env: { T: secret("token"), U: interpolate("${secret:token}") } })).toEqual([]);
    expect(warningsOf({ command: interpolate("sh -c make"), workdir: interpolate("${raw:x}") })).toEqual([]);
  });
});
