import type { PluginDescriptor } from "@multimaster/config";
import type { StepDefinition } from "../define-step.ts";
import assert from "../steps/assert.ts";
import compile from "../steps/compile.ts";
import copyDirectory from "../steps/copy-directory.ts";
import endBuild from "../steps/end-build.ts";
import fileExists from "../steps/file-exists.ts";
import git from "../steps/git.ts";
import httpRequest from "../steps/http-request.ts";
import junit from "../steps/junit.ts";
import loadProperties from "../steps/load-properties.ts";
import makeDirectory from "../steps/make-directory.ts";
import move from "../steps/move.ts";
import removeDirectory from "../steps/remove-directory.ts";
import sequence from "../steps/sequence.ts";
import setProperties from "../steps/set-properties.ts";
import shell from "../steps/shell.ts";
import sleep from "../steps/sleep.ts";
import testResults from "../steps/test-results.ts";
import trigger from "../steps/trigger.ts";

/** Factories of the steps of this release that a pipeline file can use, if a config allows them. */
const factories: readonly ((options: never) => PluginDescriptor<"step">)[] = [
  assert,
  compile,
  copyDirectory,
  endBuild,
  fileExists,
  git,
  httpRequest,
  junit,
  loadProperties,
  makeDirectory,
  move,
  removeDirectory,
  sequence,
  setProperties,
  shell,
  sleep,
  testResults,
  trigger,
];

/** The same by type, for checks without a config. */
export function builtInSteps(): ReadonlyMap<string, StepDefinition> {
  const kinds = factories.map((factory) => factory({} as never).plugin as StepDefinition);
  return new Map(kinds.map((kind) => [kind.type, kind]));
}
