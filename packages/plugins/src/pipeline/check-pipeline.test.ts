import { readdirSync } from "node:fs";
import { type PluginDescriptor, render } from "@multimaster/config";
import { describe, expect, it } from "vitest";
import { builtInSteps } from "./built-in-steps.ts";
import { checkPipeline, type PipelineRules } from "./check-pipeline.ts";
import { formatProblems } from "./problem.ts";

const rules: PipelineRules = {
  steps: builtInSteps(),
  secrets: ["token"],
  properties: ["branch", "version"],
  schedulers: ["deploy"],
  maxSteps: 20,
  maxBytes: 64 * 1024,
};

const check = (text: string | Uint8Array, more: Partial<PipelineRules> = {}) =>
  checkPipeline(typeof text === "string" ? new TextEncoder().encode(text) : text, { ...rules, ...more });

function problemsOf(text: string | Uint8Array, more?: Partial<PipelineRules>): string[] {
  const checked = check(text, more);
  if ("steps" in checked) throw new Error("the file is good");
  return formatProblems("ci.yaml", checked.problems).trimEnd().split("\n");
}

function stepsOf(text: string): readonly PluginDescriptor<"step">[] {
  const checked = check(text);
  if ("problems" in checked) throw new Error(formatProblems("ci.yaml", checked.problems));
  return checked.steps;
}

describe("a pipeline file", () => {
  it("is checked to its end although a value of it cannot be read, which is said once", () => {
    const yaml = `steps:
  - shell: { command: ok, command: twice }
  - nosuch: {}
  - sleep: { time: .inf }
  - shell: { comand: x }
`;
    expect(problemsOf(yaml)).toEqual([
      'ci.yaml:2:27: the key "command" stands here twice',
      expect.stringContaining("ci.yaml:3:5: "),
      "ci.yaml:4:20: must be a finite number",
      expect.stringContaining('ci.yaml:5:5: "command" of shell: is missing'),
      expect.stringContaining('"comand": unknown option of shell'),
    ]);
  });

  it("has the steps and options of a config, as YAML or JSON, with aliases", () => {
    const yaml = `
x-env: &env { CI: "1" }
steps:
  - shell: { command: make, env: *env }
  - shell:
      command: [make, test]
      timeout: 5m
      haltOnFailure: true
  - sleep: { time: 1s }
`;
    const steps = stepsOf(yaml);
    expect(steps.map(({ plugin, options }) => [plugin.type, options])).toEqual([
      ["shell", { command: "make", env: { CI: "1" } }],
      ["shell", { command: ["make", "test"], timeout: "5m", haltOnFailure: true }],
      ["sleep", { time: "1s" }],
    ]);
    const json = JSON.stringify({ steps: [{ shell: { command: "make" } }] });
    expect(stepsOf(json).map(({ options }) => options)).toEqual([{ command: "make" }]);
  });

  it("has placeholders for properties and secrets, and leaves the shell its own", async () => {
    const [step] = stepsOf(
      'steps: [{ shell: { command: "echo ${{ branch }} ${HOME} $${PID} ${{version:-none}}", env: { T: "${{ secret:token }}" } } }]',
    );
    const build = {
      build: { buildid: 1, buildrequestid: 1, number: 1 },
      property: (name: string) => (name === "branch" ? "main" : undefined),
      secret: (name: string) => `<${name}>`,
      source: () => undefined,
    };
    expect(await render(step?.options, build)).toEqual({
      command: "echo main ${HOME} $${PID} none",
      env: { T: "<token>" },
    });
  });

  it("with twelve errors has twelve problems, each with its line and what would be right", () => {
    const text = `stages: []
steps:
  - shel: { command: make }
  - shell: { comand: make, command: make }
  - shell: { command: 7 }
  - shell:
      command: make
      timeout: soon
  - shell: { command: "echo \${{ secret:deploy }}" }
  - shell: { command: "echo \${{ home }}" }
  - shell: { command: make, name: "\${{ branch }}" }
  - trigger: { schedulerNames: [release] }
  - [make]
  - shell: { command: make, extract: 1 }
  - shell: { command: make, locks: [] }
`;
    const problems = problemsOf(text);
    expect(problems).toMatchInlineSnapshot(`
      [
        "ci.yaml:1:1: unknown key "stages" (have: steps, and x-… for what aliases repeat)",
        "ci.yaml:3:5: there is no step "shel" here (have: announced, assert, compile, copy-directory, download, download-text, end-build, fetch-artifacts, file-exists, git, hg, http-request, junit, load-properties, make-directory, master-command, move, remove-directory, restore-cache, save-cache, sequence, set-properties, shell, sleep, svn, test-results, trigger, upload); did you mean "shell"?",
        "ci.yaml:4:14: "comand": unknown option of shell; did you mean "command"?",
        "ci.yaml:5:23: "command" of shell: expected string or array, received number",
        "ci.yaml:8:16: "timeout" of shell: must be seconds, or a text like "90s", "10m", "2h"",
        "ci.yaml:9:23: the secret "deploy" may not be named here (secrets of the config: token)",
        "ci.yaml:10:23: the property "home" may not be named here (properties of the config: branch, version)",
        "ci.yaml:11:35: this option is read before the build begins, and cannot have a placeholder",
        "ci.yaml:12:14: trigger may not trigger the scheduler "release" (schedulers of the config: deploy)",
        "ci.yaml:13:5: a step must be one kind with its options, as in "- shell: { command: make }" (have: announced, assert, compile, copy-directory, download, download-text, end-build, fetch-artifacts, file-exists, git, hg, http-request, junit, load-properties, make-directory, master-command, move, remove-directory, restore-cache, save-cache, sequence, set-properties, shell, sleep, svn, test-results, trigger, upload)",
        "ci.yaml:14:29: "extract" is a function in a config, which a pipeline file cannot say",
        "ci.yaml:15:29: "locks" is for the config alone, and cannot stand in a pipeline file",
      ]
    `);
    expect(problems).toHaveLength(12);
  });
});

it("knows every step of this release without a config", () => {
  const files = readdirSync(new URL("../steps", import.meta.url)).filter((name) => /^[\w-]+\.ts$/.test(name));
  expect([...builtInSteps().keys()].toSorted()).toEqual(files.map((name) => name.replace(/\.ts$/, "")).toSorted());
});

describe("a hostile pipeline file is refused with a sentence", () => {
  const bomb = [
    "x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]",
    ...Array.from({ length: 9 }, (_, i) => `x-${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]`),
    "steps: *a9",
  ].join("\n");
  const good = "  - shell: { command: make }\n";
  it.each<[string, string | Uint8Array, string]>([
    ["too large", `# ${"x".repeat(65_536)}`, "1:1: the file has 65538 bytes, more than the 65536 that are read"],
    ["deep, in brackets", `steps: ${"[".repeat(60_000)}`, "nested more than 30 levels deep"],
    ["deep, in braces", `steps: ${'{"a":'.repeat(10_000)}`, "nested more than 30 levels deep"],
    [
      "deep, in blocks",
      `steps:\n${Array.from({ length: 300 }, (_, i) => `${" ".repeat(i + 1)}a:`).join("\n")}`,
      "nested more than 30 levels deep",
    ],
    ["deep, on one line", `steps:\n  ${"- ".repeat(20_000)}a`, "nested more than 30 levels deep"],
    ["a bomb of aliases", bomb, "those of its aliases included|more than 200 aliases"],
    ["a looping anchor", "steps: &s\n  - *s\n", "2:5: the alias \\*s stands within its own anchor, so it has no end"],
    ["a loop of two anchors", "x-a: &a { b: &b { c: *a } }\nsteps: *b\n", "stands within its own anchor"],
    ["an unknown anchor", "steps: *nothing\n", "there is no anchor &nothing before this alias|this is not valid YAML"],
    ["not UTF-8", new Uint8Array([0x73, 0xff, 0xfe, 0x00]), "1:1: the file is not UTF-8 text"],
    ["control characters", `steps:\n${good}  # \u0000\n`, "3:5: the file has a control character"],
    [
      "a terminal's mark in a name",
      'steps:\n  - shell: { command: make, name: "\\e[31mred" }\n',
      "2:35: the text has a control character \\(U\\+001B\\)",
    ],
    [
      "a NUL in a command",
      'steps: [{ shell: { command: [echo, "a\\0b"] } }]\n',
      "1:36: .*control character \\(U\\+0000\\)",
    ],
    ["a NUL in a variable", 'steps: [{ shell: { command: make, env: { "A\\0": x } } }]\n', "1:42: .*control character"],
    [
      "a name that turns the text",
      'steps: [{ shell: { command: make, name: "\\u202Egnp.exe" } }]\n',
      '"name" of shell: must have no control characters, line breaks or marks',
    ],
    [
      "a name of two lines",
      'steps: [{ shell: { command: make, name: "a\\nb" } }]\n',
      '"name" of shell: must have no control',
    ],
    ["a tag", `steps: !!js/function "x"\n`, "the tag .* is not read|this is not valid YAML"],
    [
      "a binary tag",
      `steps: [{ shell: { command: !!binary "aGk=" } }]\n`,
      "the tag .*binary is not read|this is not valid YAML",
    ],
    ["a prototype key", `steps:\n${good}__proto__: { polluted: true }\n`, '3:1: the key "__proto__" is not allowed'],
    [
      "a constructor",
      "steps: [{ shell: { command: make, env: { constructor: x } } }]\n",
      'the key "constructor" is not allowed',
    ],
    ["a step named like a method", "steps: [{ toString: {} }]\n", 'there is no step "toString" here'],
    [
      "an option named like a method",
      "steps: [{ shell: { command: make, hasOwnProperty: 1 } }]\n",
      '"hasOwnProperty": unknown option of shell',
    ],
    [
      "the secret of another",
      'steps: [{ shell: { command: make, env: { T: "${{ secret:other }}" } } }]\n',
      'the secret "other" may not be named here \\(secrets of the config: token\\)',
    ],
    [
      "a hidden secret",
      'steps: [{ shell: { command: make, env: { T: "${{secret:token}}${{ secret:toString }}" } } }]\n',
      'the secret "toString" may not be named here',
    ],
    [
      "a step within a step",
      "steps: [{ parallel: { steps: [{ plugin: { kind: step, type: shell, options: {} }, options: {} }] } }]\n",
      '1:11: the step parallel cannot be used here: it needs "steps", which has steps of a config',
    ],
    [
      "a step that reads another file",
      "steps: [{ from-repository: { file: a } }]\n",
      "the step from-repository cannot be used here",
    ],
    ["a worker of its own", `workers: [mac]\nsteps:\n${good}`, '1:1: unknown key "workers"'],
    [
      "a step for another worker",
      "steps: [{ shell: { command: make, worker: mac } }]\n",
      '1:35: "worker": unknown option of shell',
    ],
    [
      "a lock of the cluster",
      "steps: [{ shell: { command: make, locks: [{ lock: { name: a }, mode: exclusive }] } }]\n",
      '"locks" is for the config alone',
    ],
    ["an address that is a program", "steps: [{ git: { repourl: 'ext::sh -c id' } }]\n", "must not be a command"],
    [
      "an address that is an option",
      "steps: [{ hg: { repourl: 'ssh://-oProxyCommand=id/a' } }]\n",
      "must not name a host that is an option",
    ],
    ["two documents", `steps:\n${good}---\nsteps: []\n`, "the file has a second document"],
    ["a mistake before a second document", `steps: [{ gti: {} }]\n---\n${good}`, '1:11: there is no step "gti"'],
    ["many steps", `steps:\n${good.repeat(21)}`, "the file has 21 steps, more than the 20 that are allowed"],
    ["a key twice", `steps: []\nsteps:\n${good}`, 'the key "steps" stands here twice'],
    ["a mapping as key", `? { a: b }\n: c\nsteps:\n${good}`, "a key must be a plain name"],
    ["no end of a number", "steps: [{ sleep: { time: .inf } }]\n", "must be a finite number"],
    ["nothing", "", "the file is empty"],
    ["no YAML", "steps: [\n", "this is not valid YAML"],
    ["a list", "- shell: {}\n", 'must be a mapping with the key "steps"'],
  ])("%s", (_, text, sentence) => {
    expect(problemsOf(text).join("\n")).toMatch(new RegExp(sentence));
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});
