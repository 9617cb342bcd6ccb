import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Results } from "@multimaster/core";
import addSteps from "@multimaster/plugins/steps/add-steps";
import announced from "@multimaster/plugins/steps/announced";
import assert from "@multimaster/plugins/steps/assert";
import compile from "@multimaster/plugins/steps/compile";
import copyDirectory from "@multimaster/plugins/steps/copy-directory";
import download from "@multimaster/plugins/steps/download";
import downloadText from "@multimaster/plugins/steps/download-text";
import fetchArtifacts from "@multimaster/plugins/steps/fetch-artifacts";
import fileExists from "@multimaster/plugins/steps/file-exists";
import fromRepository from "@multimaster/plugins/steps/from-repository";
import git from "@multimaster/plugins/steps/git";
import hg from "@multimaster/plugins/steps/hg";
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
import shell from "@multimaster/plugins/steps/shell";
import svn from "@multimaster/plugins/steps/svn";
import testResults from "@multimaster/plugins/steps/test-results";
import trigger from "@multimaster/plugins/steps/trigger";
import upload from "@multimaster/plugins/steps/upload";
import { expect, it } from "vitest";
import { startBuildbotWorker } from "../../harness/buildbot-worker.ts";
import { endAfterTest, startEngine } from "../../harness/engine.ts";

const always = { alwaysRun: true } as const;

/** Each kind of step, so that it fails, and what its text says then. A program's text is its command. */
const failing = [
  [
    addSteps({ file: "none.json", steps: () => [], ...always }),
    /^The file .*none\.json is not there, or cannot be read, on worker w1$/,
  ],
  [announced({ command: "exit 3", ...always }), /^'exit 3', 0 steps/],
  [assert({ that: false, message: "only on main", ...always }), /\(only on main\)$/],
  [compile({ command: "exit 3", ...always }), /^'exit 3'/],
  [copyDirectory({ from: "none", to: "copy", ...always }), /\(cp: .*none'?: No such file or directory\)$/],
  [download({ artifact: "x", to: "x", ...always }), /\(The cluster has no artifact store/],
  [downloadText({ text: "x", to: ".", ...always }), / on worker w1 is a directory: only a file is replaced\)$/],
  [fetchArtifacts({ builder: "other", ...always }), /\(The cluster has no artifact store/],
  [fileExists({ path: "none", ...always }), /\(there is none\)$/],
  [
    fromRepository({ steps: [shell], trustForks: true, ...always }),
    /^no steps from \.multimaster\.yaml \(The file .* is not there/,
  ],
  [git({ repourl: "/no/such/repository", ...always }), /\(.{20,}\)$/],
  [hg({ repourl: "/no/such/repository", ...always }), /\(.{20,}\)$/],
  [
    httpRequest({ url: "http://me:pass-word@127.0.0.1:1/", ...always }),
    /^GET 127\.0\.0\.1:1 \(.*(refused|bad port).*\)$/,
  ],
  [junit({ files: "*.none", ...always }), /did the tests run\?\)$/],
  [loadProperties({ file: "none.json", ...always }), /^The file .*none\.json is not there/],
  [makeDirectory({ dir: "file/below", ...always }), /\(mkdir: .*(not a directory|exists).*\)$/i],
  [masterCommand({ command: ["true"], ...always }), /onMaster/],
  [move({ from: "none", to: "moved", ...always }), /\(mv: .*none'?: No such file or directory\)$/],
  [parallel({ steps: [shell({ name: "in", command: "exit 3" })], ...always }), /1 failure \(in: failure\)$/],
  [removeDirectory({ dir: "/proc/version", ...always }), /\(rm: .*\/proc\/version'?: .*\)$/],
  [restoreCache({ key: "k", ...always }), /\(The cluster has no artifact store/],
  [saveCache({ key: "k", paths: ["x"], ...always }), /\(The cluster has no artifact store/],
  [sequence({ commands: [{ command: "exit 3" }], ...always }), /\(failed: 'exit 3'\)$/],
  [shell({ command: "exit 3", ...always }), /^'exit 3'/],
  [svn({ repourl: "file:///no/such/repository", ...always }), /\(.{20,}\)$/],
  [testResults({ format: "tap", files: "*.none", ...always }), /did the tests run\?\)$/],
  [trigger({ schedulerNames: ["none"], ...always }), /There is no triggerable scheduler "none"/],
  [upload({ files: "none", ...always }), /\(The cluster has no artifact store/],
] as const;
/** They do nothing that could fail. */
const harmless = ["end-build", "set-properties", "sleep"];

it("is a table of all kinds of steps", () => {
  const directory = fileURLToPath(new URL("../../../packages/plugins/src/steps/", import.meta.url));
  const kinds = readdirSync(directory).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
  const tried = failing.map(([{ plugin }]) => plugin.type);
  expect([...tried, ...harmless].toSorted()).toEqual(kinds.map((file) => file.slice(0, -3)).toSorted());
});

it.each(["our own worker", "buildbot-worker"])("every step that fails on %s says what failed", async (kind) => {
  const steps = [shell({ name: "prepare", command: "touch ../file" }), ...failing.map(([step]) => step)];
  const remote = { host: "127.0.0.1", port: 0, workers: [{ name: "w1", password: "secret" }] };
  const engine = await startEngine({ all: steps }, kind === "buildbot-worker" ? { workers: remote } : {});
  if (kind === "buildbot-worker") {
    const worker = await startBuildbotWorker({ port: engine.port(), name: "w1", password: "secret" });
    endAfterTest(() => worker.stop());
  }
  const [build] = await engine.finished(await engine.submit("all"));
  const rows = (await engine.stepsOf(build?.buildid as number)).slice(2).filter(({ name }) => name !== "in");
  expect(rows.map(({ results, state_string }) => [results !== Results.SUCCESS, state_string])).toEqual(
    failing.map(([, text]) => [true, expect.stringMatching(text)]),
  );
  const request = rows.find(({ name }) => name === "http-request")?.stepid as number;
  const log = await engine.logText(request, "stdio");
  expect(log).toContain("GET http://127.0.0.1:1/");
  expect(log).not.toContain("pass-word");
});
