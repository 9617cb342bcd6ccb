import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import type { ArtifactUpload, ArtifactWriter, StoredArtifact } from "../step-artifacts.ts";
import type { StepContext } from "../step-context.ts";
import { ArtifactRefused, CommandException } from "../step-errors.ts";
import { warnOfChoice } from "./files/choose-one.ts";
import { endWithSentence } from "./files/end-with-sentence.ts";
import { findWorkerFiles, noteEscaped, noteSkipped } from "./files/find-worker-files.ts";
import { TarReader } from "./files/read-tar.ts";
import { sendFile } from "./files/transfer-file.ts";

/** Files that get a link on the step. */
const mostLinks = 10;
/** What one step writes on the master, whose disk has other uses. */
const mostOnMaster = { bytes: 10 * 1024 ** 3, files: 100_000 };

const options = z.object({
  files: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe(
      "Paths or patterns of files of the worker, relative to workdir, such as `dist/*.tar.gz`; `**` is any number of directories. A pattern skips pipes, sockets and devices; the path of one is refused.",
    ),
  directory: z
    .string()
    .min(1)
    .optional()
    .describe(
      "A directory of the worker, relative to workdir: all files in it. A link in it is refused; a pipe, a socket and a device are skipped.",
    ),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  prefix: z.string().default("").describe("Begins the name of each artifact, such as `linux/`."),
  rename: z.string().min(1).optional().describe("The name of the artifact, of a single file."),
  maxSize: z
    .int()
    .positive()
    .optional()
    .describe(
      "Maximum bytes of one file, if less than the cluster's; with `toMaster` of all files together (default: 10 GiB).",
    ),
  toMaster: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Not into the artifact store, but to this absolute path on the engine's machine: of a single file its path, of several, or with a / at its end, a directory. The config must allow it (`onMaster.writeTo`).",
    ),
  mode: z.int().min(0).max(0o777).default(0o644).describe("Permissions of a file on the master."),
  whenMissing: z
    .enum(["failure", "warnings", "success"])
    .default("failure")
    .describe("The result if the patterns find no file."),
});
type Options = z.output<typeof options>;

/** Keeps files of the worker as artifacts of the build: `upload({ files: "dist/*.tar.gz" })`. */
export default defineStep({
  type: "upload",
  options,
  rules: { haltOnFailure: true },
  warnings: (options) => warnOfChoice(options, ["files", "directory"]),
  onMaster: ({ toMaster }) => (toMaster === undefined ? [] : [{ option: "toMaster", needs: "writeTo" }]),
  run: (ctx, options): Promise<StepEnd> => endWithSentence("upload", () => upload(ctx, options)),
});

async function upload(ctx: StepContext, options: Options): Promise<StepEnd> {
  const { files, directory, toMaster } = options;
  if ((files === undefined) === (directory === undefined))
    throw new ArtifactRefused("The step upload needs one of the options files and directory.");
  const target =
    toMaster === undefined ? new StoreTarget(ctx.artifacts.upload()) : new MasterTarget(ctx, options, toMaster);
  try {
    const sent =
      directory === undefined
        ? await sendFiles(ctx, options, target)
        : await sendDirectory(ctx, options, directory, target);
    if (sent === 0) {
      const results = { failure: Results.FAILURE, warnings: Results.WARNINGS, success: Results.SUCCESS }[
        options.whenMissing
      ];
      return { results, summary: "no files to upload", reason: describeNothing(options) };
    }
    const stored = await target.publish();
    if (stored.length <= mostLinks) for (const { name, url } of stored) await ctx.addUrl(name, url);
    return { results: Results.SUCCESS, summary: sent === 1 ? "1 file uploaded" : `${sent} files uploaded` };
  } finally {
    await target.discard();
  }
}

function describeNothing({ files, directory, workdir }: Options): string {
  if (directory !== undefined) return `the directory ${directory} in ${workdir} has none`;
  return `no file in ${workdir} matches ${[files ?? []].flat().join(", ")}`;
}

/** Sends what the patterns find; returns how many files. */
async function sendFiles(ctx: StepContext, options: Options, target: Target): Promise<number> {
  const { files = [], workdir, prefix, rename } = options;
  const found = await findWorkerFiles(ctx, workdir, typeof files === "string" ? [files] : files);
  if (rename !== undefined && found.length > 1)
    throw new ArtifactRefused(`The option rename is for a single file, and there are ${found.length}.`);
  for (const [i, { path, name }] of found.entries()) {
    ctx.setState(`uploading ${i + 1} of ${found.length}`);
    await sendFile(ctx, path, maxSizeOf(ctx, options), () =>
      target.add(`${prefix}${rename ?? name}`, found.length === 1),
    );
  }
  return found.length;
}

/** Sends all files of a directory in one transfer; returns how many. */
async function sendDirectory(ctx: StepContext, options: Options, directory: string, target: Target): Promise<number> {
  const { workdir, prefix } = options;
  const path = ctx.path(workdir, directory);
  const maxSize = maxSizeOf(ctx, options);
  let count = 0;
  let writer: ArtifactWriter | undefined;
  const reader = new TarReader({
    async begin(name, size) {
      if (name === "") throw new ArtifactRefused(`${path} on worker ${ctx.worker.name} is a file, not a directory.`);
      if (size > maxSize)
        throw new ArtifactRefused(
          `The file ${JSON.stringify(name.slice(0, 200))} is larger than ${maxSize} bytes (maxSize).`,
        );
      count += 1;
      if (count % 1000 === 0) ctx.setState(`uploading, ${count} files so far`);
      writer = await target.add(`${prefix}${name.replace(/^(\.\/)+/, "")}`, false);
    },
    write: async (block) => writer?.write(block),
    end: async () => writer?.end(),
    noteEscaped: (name) => noteEscaped(ctx, name),
    skip: (name, kind) => noteSkipped(ctx, ctx.path(workdir, directory, name), kind),
  });
  let isWhole = false;
  const handler = {
    write: (block: Uint8Array) => reader.write(block),
    async unpack() {
      await reader.end();
      isWhole = true;
    },
  };
  const sent = ctx.command("upload_directory", { path, blocksize: 65_536 }, { upload: handler });
  const { rc } = await sent.catch((error: unknown) => {
    if (!(error instanceof CommandException) || error.isMachineFault) throw error;
    throw new ArtifactRefused(`The directory ${path} cannot be read on worker ${ctx.worker.name}: ${error.said}.`);
  });
  if (rc !== 0 || !isWhole)
    throw new ArtifactRefused(`The directory ${path} is not there, or cannot be read, on worker ${ctx.worker.name}.`);
  return count;
}

function maxSizeOf(ctx: StepContext, { maxSize, toMaster }: Options): number {
  if (toMaster !== undefined) return maxSize ?? mostOnMaster.bytes;
  return Math.min(maxSize ?? Number.POSITIVE_INFINITY, ctx.artifacts.maxSize);
}

interface Target {
  /** Begins a file. */
  add(name: string, isOnly: boolean): Promise<ArtifactWriter>;
  publish(): Promise<readonly StoredArtifact[]>;
  discard(): Promise<void>;
}

class StoreTarget implements Target {
  #upload: ArtifactUpload;

  constructor(upload: ArtifactUpload) {
    this.#upload = upload;
  }

  add(name: string): Promise<ArtifactWriter> {
    return this.#upload.add(name);
  }

  publish(): Promise<readonly StoredArtifact[]> {
    return this.#upload.publish();
  }

  discard(): Promise<void> {
    return this.#upload.discard();
  }
}

/** Files on the engine's machine; each appears when it is complete. */
class MasterTarget implements Target {
  #ctx: StepContext;
  #mode: number;
  #path: string;
  #open: { discard(): Promise<void> } | undefined;
  #left: number;
  #maxSize: number;
  #files = 0;

  constructor(ctx: StepContext, options: Options, path: string) {
    this.#ctx = ctx;
    this.#mode = options.mode;
    this.#maxSize = maxSizeOf(ctx, options);
    this.#left = this.#maxSize;
    this.#path = path;
  }

  async add(name: string, isOnly: boolean): Promise<ArtifactWriter> {
    if (name.split(/[\\/]/).includes(".."))
      throw new ArtifactRefused(
        `${JSON.stringify(name.slice(0, 200))} cannot be the name of a file: it has a part "..".`,
      );
    this.#files += 1;
    if (this.#files > mostOnMaster.files)
      throw new ArtifactRefused(`There are more than ${mostOnMaster.files} files for the master.`);
    const path = isOnly && !this.#path.endsWith("/") ? this.#path : `${this.#path.replace(/\/+$/, "")}/${name}`;
    const writer = await this.#ctx.master.write(path, this.#mode);
    this.#open = writer;
    return {
      write: async (block) => {
        this.#left -= block.length;
        if (this.#left < 0)
          throw new ArtifactRefused(`The files for the master have more than ${this.#maxSize} bytes (maxSize).`);
        await writer.write(block);
      },
      end: async () => {
        await writer.end();
        this.#open = undefined;
      },
    };
  }

  async publish(): Promise<readonly StoredArtifact[]> {
    return [];
  }

  async discard(): Promise<void> {
    await this.#open?.discard();
  }
}
