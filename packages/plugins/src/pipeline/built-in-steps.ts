import type { PluginDescriptor } from "@multimaster/config";
import type { StepDefinition } from "../define-step.ts";
import addSteps from "../steps/add-steps.ts";
import announced from "../steps/announced.ts";
import assert from "../steps/assert.ts";
import compile from "../steps/compile.ts";
import copyDirectory from "../steps/copy-directory.ts";
import download from "../steps/download.ts";
import downloadText from "../steps/download-text.ts";
import endBuild from "../steps/end-build.ts";
import fetchArtifacts from "../steps/fetch-artifacts.ts";
import fileExists from "../steps/file-exists.ts";
import fromRepository from "../steps/from-repository.ts";
import git from "../steps/git.ts";
import hg from "../steps/hg.ts";
import httpRequest from "../steps/http-request.ts";
import junit from "../steps/junit.ts";
import loadProperties from "../steps/load-properties.ts";
import makeDirectory from "../steps/make-directory.ts";
import masterCommand from "../steps/master-command.ts";
import move from "../steps/move.ts";
import parallel from "../steps/parallel.ts";
import removeDirectory from "../steps/remove-directory.ts";
import restoreCache from "../steps/restore-cache.ts";
import saveCache from "../steps/save-cache.ts";
import sequence from "../steps/sequence.ts";
import setProperties from "../steps/set-properties.ts";
import shell from "../steps/shell.ts";
import sleep from "../steps/sleep.ts";
import svn from "../steps/svn.ts";
import testResults from "../steps/test-results.ts";
import trigger from "../steps/trigger.ts";
import upload from "../steps/upload.ts";

/** Factories of every step of this release; a test compares them with the files. */
const factories: readonly ((options: never) => PluginDescriptor<"step">)[] = [
  addSteps,
  announced,
  assert,
  compile,
  copyDirectory,
  download,
  downloadText,
  endBuild,
  fetchArtifacts,
  fileExists,
  fromRepository,
  git,
  hg,
  httpRequest,
  junit,
  loadProperties,
  makeDirectory,
  masterCommand,
  move,
  parallel,
  removeDirectory,
  restoreCache,
  saveCache,
  sequence,
  setProperties,
  shell,
  sleep,
  svn,
  testResults,
  trigger,
  upload,
];

/** All steps of this release by type, for checks without a config. */
export function builtInSteps(): ReadonlyMap<string, StepDefinition> {
  const kinds = factories.map((factory) => factory({} as never).plugin as StepDefinition);
  return new Map(kinds.map((kind) => [kind.type, kind]));
}
