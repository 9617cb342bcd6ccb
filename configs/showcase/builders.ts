/**
 * What steps can do, one builder for each subject. Properties of the force form say where the service is that `web` asks.
 */
import { defineBuilders, env, envSecret } from "@multimaster/config";
import { z } from "@multimaster/plugins";
import addSteps from "@multimaster/plugins/steps/add-steps";
import announced from "@multimaster/plugins/steps/announced";
import assert from "@multimaster/plugins/steps/assert";
import copyDirectory from "@multimaster/plugins/steps/copy-directory";
import download from "@multimaster/plugins/steps/download";
import downloadText from "@multimaster/plugins/steps/download-text";
import endBuild from "@multimaster/plugins/steps/end-build";
import fetchArtifacts from "@multimaster/plugins/steps/fetch-artifacts";
import fileExists from "@multimaster/plugins/steps/file-exists";
import fromRepository from "@multimaster/plugins/steps/from-repository";
import httpRequest from "@multimaster/plugins/steps/http-request";
import junit from "@multimaster/plugins/steps/junit";
import loadProperties from "@multimaster/plugins/steps/load-properties";
import makeDirectory from "@multimaster/plugins/steps/make-directory";
import masterCommand from "@multimaster/plugins/steps/master-command";
import move from "@multimaster/plugins/steps/move";
import parallel from "@multimaster/plugins/steps/parallel";
import removeDirectory from "@multimaster/plugins/steps/remove-directory";
import restoreCache from "@multimaster/plugins/steps/restore-cache";
import saveCache from "@multimaster/plugins/steps/save-cache";
import sequence from "@multimaster/plugins/steps/sequence";
import setProperties from "@multimaster/plugins/steps/set-properties";
import shell from "@multimaster/plugins/steps/shell";
import sleep from "@multimaster/plugins/steps/sleep";
import testResults from "@multimaster/plugins/steps/test-results";
import trigger from "@multimaster/plugins/steps/trigger";
import upload from "@multimaster/plugins/steps/upload";
import { published } from "./places.ts";
import { programSteps, warningSteps } from "./programs.ts";
import { sourceSteps } from "./sources.ts";

const workers = ["w1"];

/** A file of tests for Node's own runner. */
const tests = `
const { test } = require("node:test");
test("adds", () => {});
test("sums", async (t) => {
  await t.test("small", () => {});
  await t.test("large", () => { throw new Error("too large"); });
});
test("later", { skip: "not yet" }, () => {});
`;

/** A file of a repository with steps. */
const pipeline = `x-env: &env { LEVEL: "2" }
steps:
  - shell: { name: hello, command: 'echo "$LEVEL" \${{ buildername }}', env: *env }
  - sleep: { time: 0.1s, name: rest }
`;

/** Counts what a program of tests says about each test, and keeps what failed. */
function observeTests() {
  let passed = 0;
  const failed: string[] = [];
  return {
    onLine(line: string) {
      if (line.startsWith("ok ")) passed += 1;
      else if (line.startsWith("not ok ")) failed.push(line.slice("not ok ".length));
    },
    onEnd: () => ({
      properties: { passed, failed: failed.length },
      summary: `${passed} passed, ${failed.length} failed`,
      logs: failed.length > 0 ? { failed: `${failed.join("\n")}\n` } : {},
    }),
  };
}

export default defineBuilders({
  secrets: {
    // Without the variables no server lets anyone in.
    password: envSecret("REPOSITORY_PASSWORD"),
    "deploy-key": env("DEPLOY_KEY") ?? "-----BEGIN OPENSSH PRIVATE KEY-----",
  },
  builders: [
    { name: "sources", workers, steps: sourceSteps },
    { name: "programs", workers, steps: programSteps },
    {
      name: "files",
      workers,
      steps: [
        removeDirectory({ dir: ".", timeout: "1m" }),
        makeDirectory({ dir: "build/out" }),
        shell({ command: "echo one > out/a.txt" }),
        copyDirectory({ from: "build/out", to: "copy", timeout: "1m" }),
        move({ from: "copy/a.txt", to: "copy/b.txt" }),
        fileExists({ path: "copy/b.txt" }),
        fileExists({ name: "it is a directory", path: "copy", kind: "directory" }),
        fileExists({ name: "moved away", path: "copy/a.txt", flunkOnFailure: false, haltOnFailure: false }),
        shell({ name: "only once", command: "true", doStepIf: async (b) => !(await b.probe.exists("copy/b.txt")) }),
        shell({
          name: "still fresh",
          command: "true",
          doStepIf: async (b) => ((await b.probe.age("copy/b.txt")) ?? 0) < 3_600_000,
        }),
      ],
    },
    {
      name: "values",
      workers,
      steps: [
        shell({ name: "version", command: "echo '  1.2.3  '", property: "version" }),
        shell({
          name: "parts",
          command: ["printf", "%s", (b) => String(b.property("version"))],
          extract: (rc, stdout) => ({ major: Number(stdout.split(".")[0]), code: rc }),
          summary: ({ stdout }) => `version ${stdout}`,
          logs: ({ stdout }) => ({ version: stdout }),
        }),
        shell({ name: "test", command: "printf 'ok a\\nok b\\nnot ok c\\n'", observe: observeTests }),
        setProperties({ properties: { label: (b) => `${b.property("version")}-${b.build.number}`, list: [1, 2] } }),
        shell({ name: "write", command: `echo '{"flavour": "dark", "size": 7, "other": true}' > facts.json` }),
        loadProperties({
          file: "facts.json",
          workdir: "build",
          only: ["flavour", "size"],
          prefix: "built-",
          maxSize: 10_000,
        }),
        assert({ that: (b) => b.property("built-size") === 7, message: "the size is wrong" }),
        sleep({ time: "10ms" }),
      ],
    },
    {
      name: "tests",
      workers,
      steps: [
        shell({ name: "write", command: "cat > sums.test.js", initialStdin: tests }),
        shell({
          name: "run",
          command: [
            ...["node", "--test", "--test-reporter=tap", "--test-reporter-destination=sums.tap"],
            ...["--test-reporter=junit", "--test-reporter-destination=sums.xml", "sums.test.js"],
          ],
          flunkOnFailure: false,
        }),
        junit({
          files: ["*.xml", "reports/**/*.xml"],
          workdir: "build",
          suite: "sums",
          onFailedTests: "warnings",
          onNoFiles: "warnings",
          maxFileSize: 1_000_000,
        }),
        testResults({ format: "tap", files: "*.tap", removeFiles: true, onFailedTests: "warnings" }),
      ],
    },
    { name: "warnings", workers, steps: warningSteps },
    {
      name: "several",
      workers,
      steps: [
        sequence({
          commands: [
            { command: "echo first" },
            { command: "exit 3", haltOnFailure: false, warnOnFailure: true, flunkOnFailure: false },
            { command: "echo third", log: "third" },
          ],
          afterwards: [{ command: "exit 1" }, { command: "echo cleaned", log: "clean-up" }],
        }),
        shell({
          name: "flaky",
          command: "test -e tried || { touch tried; exit 75; }",
          tryAgain: { times: 2, delay: "10ms", on: [75] },
        }),
        shell({ name: "not for this code", command: "exit 1", tryAgain: { on: [75] }, flunkOnFailure: false }),
        shell({ name: "remove", command: "rm tried; exit 1", cleanUp: true }),
      ],
    },
    {
      name: "ends early",
      workers,
      steps: [
        shell({ command: "exit 1", flunkOnFailure: false, warnOnFailure: true }),
        endBuild({
          results: "skipped",
          text: (b) => `nothing to do for ${b.property("buildername")}`,
          doStepIf: (b) => b.build.results === 1,
        }),
        shell({ name: "never", command: "true" }),
        shell({ name: "always", command: "true", alwaysRun: true }),
      ],
    },
    {
      name: "adds steps",
      workers,
      steps: [
        shell({ name: "list", command: `echo '["unit", "slow"]' > suites.json` }),
        addSteps({
          file: "suites.json",
          workdir: "build",
          maxSize: 10_000,
          steps: (_build, value) =>
            z
              .array(z.string())
              .parse(value)
              .map((suite) => shell({ name: `test ${suite}`, command: ["echo", suite] })),
        }),
        addSteps({
          name: "clean up later",
          where: "end",
          steps: [shell({ name: "remove", command: ["rm", "suites.json"], cleanUp: true })],
        }),
        shell({ name: "pack", command: "echo packed" }),
      ],
    },
    {
      name: "at the same time",
      workers,
      steps: [
        parallel({
          name: "checks",
          maxInFlight: 4,
          steps: [
            shell({ name: "one", command: "touch one; while ! test -e two; do sleep 0.05; done", maxTime: "30s" }),
            shell({ name: "two", command: "touch two; while ! test -e one; do sleep 0.05; done", maxTime: "30s" }),
            shell({ name: "lint", command: "exit 1", flunkOnFailure: false, warnOnFailure: true }),
          ],
        }),
        shell({ name: "after", command: "rm one two" }),
      ],
    },
    {
      name: "announces",
      workers,
      steps: [
        announced({
          name: "script",
          command:
            "echo @@@BUILD_STEP compile@@@; echo compiled; echo '@@@BUILD_STEP test@@@'; echo @@@STEP_WARNINGS@@@; echo '@@@SET_BUILD_PROPERTY@image@\"small\"@@@'",
          maxSteps: 5,
          properties: ["image"],
        }),
      ],
    },
    {
      name: "from a file",
      workers,
      steps: [
        // Elsewhere the step git checks it out.
        shell({ name: "check out", command: "cat > pipeline.yaml", initialStdin: pipeline }),
        fromRepository({
          file: "pipeline.yaml",
          workdir: "build",
          steps: [shell, sleep],
          secrets: ["password"],
          properties: ["buildername"],
          schedulers: ["items"],
          trustForks: "base",
          repourl: "https://repositories.example",
          limits: { steps: 10, bytes: 10_000 },
        }),
        shell({ name: "pack", command: "echo packed" }),
      ],
    },
    {
      name: "matrix",
      workers,
      steps: [
        trigger({
          schedulerNames: ["items"],
          maxInFlight: 2,
          items: [
            { name: "library", properties: { size: 1 } },
            { name: "program", after: ["library"], properties: { size: 2 } },
          ],
        }),
        trigger({
          name: "of a branch",
          schedulerNames: ["items"],
          waitForFinish: true,
          updateSourceStamp: false,
          sourceStamps: [
            { codebase: "", branch: "main", revision: null, repository: "https://repositories.example", project: "p" },
          ],
          setProperties: { size: 3 },
          copyProperties: ["workername"],
          unimportantSchedulerNames: ["items"],
          parentRelationship: "Tried by",
        }),
        trigger({ name: "newest", schedulerNames: ["items"], alwaysUseLatest: true, setProperties: { size: 4 } }),
      ],
    },
    { name: "item", workers, steps: [shell({ command: ["echo", (b) => String(b.property("size"))] })] },
    {
      name: "web",
      workers,
      steps: [
        httpRequest({
          url: (b) => `${b.property("server")}/ask?build=${b.build.buildid}`,
          method: "POST",
          json: { address: (b) => b.build.url ?? null },
          headers: { "x-token": "t" },
          tryAgain: { times: 3, on: [503] },
          property: "answer",
          extract: ({ status, headers }) => ({ status, kind: headers["content-type"] ?? "" }),
        }),
        httpRequest({
          name: "gone",
          url: (b) => `${b.property("server")}/gone`,
          method: "PUT",
          body: "farewell",
          expect: [404],
        }),
        httpRequest({
          name: "slow",
          url: (b) => `${b.property("server")}/slow`,
          timeout: "100ms",
          flunkOnFailure: false,
        }),
      ],
    },
    {
      name: "with artifacts",
      workers,
      steps: [
        downloadText({ text: (b) => `build ${b.build.number}\n`, to: "lock", workdir: "build", mode: 0o644 }),
        restoreCache({
          key: "deps-",
          files: ["lock"],
          fallbackKeys: ["deps-"],
          property: "cache",
          scope: "showcase",
          workdir: "build",
          timeout: "5m",
        }),
        shell({
          name: "make",
          command: "mkdir -p deps out/pages; date > deps/fetched; cp lock out/app; cp lock out/pages/a",
        }),
        saveCache({ key: "deps-", files: ["lock"], paths: ["deps"], scope: "showcase" }),
        upload({ files: "out/app", rename: "app" }),
        upload({ name: "upload pages", directory: "out", prefix: "site/" }),
        upload({ name: "no notes", files: "notes/*", workdir: "build", whenMissing: "success", maxSize: 1_000_000 }),
        download({ artifact: "site/pages/a", to: "again", workdir: "build", mode: 0o600 }),
        upload({ name: "publish", files: "out/app", toMaster: `${published}/app`, mode: 0o640 }),
        download({ name: "take back", fromMaster: `${published}/app`, to: "back" }),
        masterCommand({
          command: ["sh", "-c", 'echo "$WHAT"'],
          env: { WHAT: (b) => `published ${b.build.number}` },
          timeout: "1m",
          maxOutput: 1000,
          property: "published",
        }),
      ],
    },
    {
      name: "with artifacts of others",
      workers,
      steps: [
        fetchArtifacts({ builder: "with artifacts", names: ["app", "site/*"], property: "from" }),
        fetchArtifacts({
          name: "the same",
          buildid: (b) => Number(b.property("from")),
          to: "again",
          workdir: "build",
          mode: 0o600,
          forks: false,
        }),
        fetchArtifacts({
          name: "none of a branch",
          builder: "with artifacts",
          branch: "release",
          results: ["success"],
          whenMissing: "warnings",
        }),
        shell({ command: "cat app again/site/pages/a" }),
      ],
    },
  ],
});
