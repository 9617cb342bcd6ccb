import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Json } from "@multimaster/core";
import type { BuildSource, CommandEnd, CommandOptions, ShellCommand, StepContext } from "@multimaster/plugins";
import { isolatedGitEnvironment } from "./git-repository.ts";

/** What a step did through its context. */
export interface StepTrace {
  /** Every command with its arguments, as a worker shows them. */
  readonly commands: string[][];
  /** Everything that would be in the log. */
  readonly log: string[];
  readonly hidden: Set<string>;
  readonly properties: Map<string, Json>;
}

export interface LocalStep {
  readonly ctx: StepContext;
  readonly trace: StepTrace;
}

/** A context whose commands run directly in a directory of this machine: real programs, without an engine and a worker. */
export function createLocalStep(
  builddir: string,
  source: Partial<BuildSource> = {},
  environment: Readonly<Record<string, string>> = {},
  patch?: Uint8Array,
  /** Characters that a command's captured output has at most. */
  maxCaptured = 16 * 1024 * 1024,
): LocalStep {
  const trace: StepTrace = { commands: [], log: [], hidden: new Set(), properties: new Map() };
  const stamp = {
    ...{ ssid: 1, codebase: "", branch: null, revision: null, repository: "", project: "", patch: null },
    ...source,
  };
  const path = (...parts: string[]) => resolve(builddir, ...parts);
  const end = (rc: number, more: Partial<CommandEnd> = {}): CommandEnd => ({
    rc,
    stdout: "",
    stderr: "",
    files: [],
    stat: undefined,
    ...more,
  });

  async function shell({ command, workdir = "build", env, initialStdin }: ShellCommand, options: CommandOptions = {}) {
    const [program = "", ...args] = command as readonly string[];
    trace.commands.push([program, ...args]);
    trace.log.push([program, ...args].join(" "));
    mkdirSync(path(workdir), { recursive: true });
    const variables: NodeJS.ProcessEnv = { ...isolatedGitEnvironment(builddir), ...environment };
    for (const [name, value] of Object.entries(env ?? {})) {
      if (value === null) delete variables[name];
      else variables[name] = String(value);
    }
    const child = spawn(program, args, { cwd: path(workdir), env: variables, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => undefined);
    child.stdin.end(initialStdin ?? "");
    const texts = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].on("data", (chunk: Buffer) => {
        texts[stream] += chunk.toString("utf8");
      });
    const rc = await new Promise<number>((done) => {
      child.on("error", () => done(1));
      child.on("close", (code) => done(code ?? -1));
    });
    if (options.log !== null) trace.log.push(texts.stdout, texts.stderr);
    for (const line of `${texts.stdout}${texts.stderr}`.split("\n")) options.onLine?.(line, "stdio");
    return end(rc, {
      stdout: options.capture ? texts.stdout.slice(0, maxCaptured) : "",
      stderr: options.capture === "both" ? texts.stderr : "",
    });
  }

  async function command(
    name: string,
    args: Readonly<Record<string, unknown>>,
    options?: CommandOptions,
  ): Promise<CommandEnd> {
    if (name === "listdir") {
      try {
        return end(0, { files: readdirSync(args["path"] as string) });
      } catch {
        return end(2);
      }
    }
    if (name === "download_file") {
      const blocks: Uint8Array[] = [];
      for (let block = await options?.download?.read(1000); block?.length; block = await options?.download?.read(1000))
        blocks.push(block);
      mkdirSync(dirname(args["path"] as string), { recursive: true });
      writeFileSync(args["path"] as string, Buffer.concat(blocks));
      return end(0);
    }
    if (name === "cpdir") {
      cpSync(args["from_path"] as string, args["to_path"] as string, { recursive: true, verbatimSymlinks: true });
      return end(0);
    }
    if (name === "mkdir") {
      for (const each of args["paths"] as string[]) mkdirSync(each, { recursive: true });
      return end(0);
    }
    if (name !== "rmdir") throw new Error(`the local step knows no command ${name}`);
    for (const each of args["paths"] as string[]) rmSync(each, { recursive: true, force: true });
    return end(0);
  }

  const ctx: Partial<StepContext> = {
    name: "git",
    worker: { name: "here", system: "posix", basedir: dirname(builddir), version: "1", environ: {}, commands: {} },
    properties: {
      get: (name) => trace.properties.get(name),
      set: (name, value) => void trace.properties.set(name, value),
    },
    builddir,
    signal: new AbortController().signal,
    path,
    shell,
    command,
    log: async () => ({ write: async (text: string) => void trace.log.push(text) }),
    setState: (text) => void trace.log.push(text),
    hide: (text) => void trace.hidden.add(text),
    sleep: async () => {},
    build: { sources: [stamp] } as unknown as StepContext["build"],
    readPatch: async () => patch ?? new Uint8Array(),
    source: () => stamp,
    property: () => undefined,
  };
  return { ctx: ctx as StepContext, trace };
}
