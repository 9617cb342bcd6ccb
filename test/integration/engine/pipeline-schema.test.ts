import { readFileSync } from "node:fs";
import { builtInSteps } from "@multimaster/plugins/pipeline/built-in-steps";
import { checkPipeline } from "@multimaster/plugins/pipeline/check-pipeline";
import { describePipeline } from "@multimaster/plugins/pipeline/describe-pipeline";
import { whyNeverHere } from "@multimaster/plugins/pipeline/pipeline-kinds";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const usable = [...builtInSteps().values()].filter((kind) => whyNeverHere(kind) === undefined);
const validate = new Ajv2020({ strict: true, strictTypes: false, strictTuples: false, formats: { uri: true } }).compile(
  describePipeline(builtInSteps().values(), 3),
);
const rules = { secrets: "any", properties: "any", schedulers: "any", maxSteps: 3, maxBytes: 10_000 } as const;

/** Whether an editor that knows the schema accepts a file, and whether `master pipeline check` does. */
function judge(text: string) {
  const checked = checkPipeline(Buffer.from(text), { ...rules, steps: builtInSteps() });
  return { editor: validate(parse(text)), check: "steps" in checked };
}
const accepted = { editor: true, check: true };
const refused = { editor: false, check: false };

/** Each kind with options as a file has them; those with a number or a list have a placeholder for it somewhere. */
const samples: Readonly<Record<string, string>> = {
  announced: "{ command: ./script, maxSteps: 5, properties: [a] }",
  assert: "{ that: true, message: 'no ${{ branch }}' }",
  compile: "{ command: make, suppressWarnings: [{ file: ^old/, lines: [1, 2] }], maxWarnings: 3 }",
  "copy-directory": "{ from: a, to: b, timeout: null }",
  download: "{ artifact: app, to: '${{ target }}', mode: 420 }",
  "download-text": "{ text: hello, to: a }",
  "end-build": "{ results: skipped, text: nothing }",
  "fetch-artifacts": "{ builder: b, names: ['*.zip'], results: [success], whenMissing: warnings }",
  "file-exists": "{ path: a, kind: directory }",
  git: "{ repourl: 'https://git.example.org/a', shallow: 3, getDescription: { match: 'v*' }, retry: { delay: 1s, times: 2 } }",
  hg: "{ repourl: 'https://hg.example.org/a', branchType: inrepo }",
  "http-request": "{ url: 'https://example.org', json: { a: [1, { b: null }] }, expect: [404] }",
  junit: "{ files: ['a/*.xml'], onFailedTests: warnings }",
  "load-properties": "{ file: a.json, only: [a] }",
  "make-directory": "{ dir: a }",
  "master-command": "{ command: [sign, a], timeout: 10 }",
  move: "{ from: a, to: b }",
  "remove-directory": "{ dir: a }",
  "restore-cache": "{ key: deps-, files: [lock], fallbackKeys: [deps-] }",
  "save-cache": "{ key: deps-, paths: [deps] }",
  sequence: "{ commands: [{ command: make }, { command: [make, test], log: tests }], env: { A: null } }",
  "set-properties": "{ properties: { a: 1, b: [x, '${{ c }}'] } }",
  shell: "{ command: make, tryAgain: { times: 2, on: [75] }, decodeRC: { '3': warnings } }",
  sleep: "{ time: '${{ pause }}' }",
  svn: "{ repourl: 'https://svn.example.org/a', depth: files }",
  "test-results": "{ format: tap, files: a.tap }",
  trigger: "{ schedulerNames: [a], items: [{ name: one, properties: { size: 1 } }] }",
  upload: "{ files: ['dist/**'], prefix: linux/ }",
};

describe("the JSON schema of pipeline files", () => {
  it("has a sample here for each kind of step that a file can have", () => {
    expect(Object.keys(samples)).toEqual(usable.map(({ type }) => type).toSorted());
  });

  it.each(Object.entries(samples))("and the check agree about %s", (type, options) => {
    const step = (more: string) => `steps: [{ ${type}: ${options.replace(/ }$/, `${more} }`)} }]`;
    expect(judge(step(""))).toEqual(accepted);
    expect(judge(step(", haltOnFailure: true, name: one, doStepIf: '${{ wanted }}'"))).toEqual(accepted);
    expect(judge(step(", haltOnFailure: 7"))).toEqual(refused);
    expect(judge(step(", locks: []"))).toEqual(refused);
    expect(judge(step(", comand: make"))).toEqual(refused);
  });

  it("and the check agree about the example of the documentation", () => {
    const page = readFileSync(new URL("../../../docs/pipeline-files.md", import.meta.url), "utf8");
    const [, example = ""] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    expect(validate(parse(example))).toBe(false);
    // It has four steps, and this test's schema allows three.
    expect(judge(example.replace(/ {2}- junit.*\n/, ""))).toEqual(accepted);
  });

  it.each([
    ["no steps", "steps: []"],
    ["no list", "steps: { shell: { command: make } }"],
    ["nothing", "x-env: {}"],
    ["a key of its own", "stages: []\nsteps: [{ sleep: { time: 1 } }]"],
    ["two kinds in one step", "steps: [{ sleep: { time: 1 }, shell: { command: make } }]"],
    ["an unknown kind", "steps: [{ shel: { command: make } }]"],
    ["no kind", "steps: [[make]]"],
    ["a kind with steps of its own", "steps: [{ parallel: { steps: [{ shell: { command: make } }] } }]"],
    ["a kind whose steps are a function's", "steps: [{ add-steps: { file: a.json } }]"],
    ["a kind that reads such files", "steps: [{ from-repository: { file: a.yaml } }]"],
    ["no required option", "steps: [{ shell: {} }]"],
    ["no options where one is required", "steps: [{ shell: }]"],
    ["an option of another type", "steps: [{ shell: { command: 7 } }]"],
    ["another word", "steps: [{ test-results: { format: tapp, files: a } }]"],
    ["an option within one that is unknown", "steps: [{ shell: { command: make, tryAgain: { tims: 2 } } }]"],
    ["a function's option", "steps: [{ shell: { command: make, extract: x } }]"],
    ["too many steps", `steps: [${Array(4).fill("{ sleep: { time: 1 } }").join(", ")}]`],
  ])("and the check refuse a file with %s", (_, text) => {
    expect(judge(text)).toEqual(refused);
  });
});
