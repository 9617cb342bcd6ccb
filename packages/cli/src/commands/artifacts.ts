import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ExitCode, errors, fitsGlob } from "@multimaster/core";
import type { Artifact } from "@multimaster/data";
import { type ArtifactCheck, checkArtifacts } from "@multimaster/operator/check-artifacts";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import type { Command } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findBuild } from "../client/named-build.ts";
import { configOption } from "../options.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal, type Terminal } from "../terminal.ts";

interface GetFlags extends ClientFlags {
  to: string;
}

/** `master artifacts`: what builds left in the artifact store. */
export function addArtifacts(program: Command, setExitCode: (code: number) => void): void {
  const artifacts = program
    .command("artifacts")
    .description("list and download what builds left, and check the artifact store");
  clientOptions(
    artifacts
      .command("list")
      .description("list the artifacts of a build")
      .argument("<build>", "the build's id, BUILDER/NUMBER, or URL"),
  ).action(async (text: string, { json, ...flags }: ClientFlags) => {
    const api = await connect(flags);
    const { buildid } = await findBuild(api, text);
    const { items } = await api.list("artifacts", `builds/${buildid}/artifacts`, { order: "name" });
    const terminal = openTerminal();
    const rows = items.map(({ name, size, sha256 }) => [terminal.foreign(name), size, sha256.slice(0, 12)]);
    await terminal.write(
      json ? formatJson(items) : formatTable(["name", "bytes", "sha256"], rows, "The build has no artifacts."),
    );
  });
  clientOptions(
    artifacts
      .command("get")
      .description("download artifacts of a build")
      .argument("<build>", "the build's id, BUILDER/NUMBER, or URL")
      .argument("[names...]", "names in which * is any text (default: all)")
      .option("--to <directory>", "where they are written, under their names", "."),
  ).action(async (text: string, names: readonly string[], { to, json, ...flags }: GetFlags) => {
    const api = await connect(flags);
    const { buildid } = await findBuild(api, text);
    const { items } = await api.list("artifacts", `builds/${buildid}/artifacts`, { order: "name" });
    const wanted = items.filter(({ name }) => names.length === 0 || names.some((glob) => fitsGlob(name, glob)));
    if (wanted.length === 0)
      throw errors.notFound(`The build ${text} has no such artifacts ("master artifacts list ${text}").`);
    const terminal = openTerminal();
    for (const artifact of wanted) {
      await save(await api.download(artifact), artifact, to);
      if (!json) await terminal.write(`${terminal.foreign(artifact.name)}  ${artifact.size} bytes\n`);
    }
    if (json) await terminal.write(formatJson(wanted));
  });
  artifacts
    .command("check")
    .description("compare the artifact store with the rows of the database; changes nothing")
    .addOption(configOption())
    .option("--json", "as JSON")
    .action(async ({ config, json }: { config: string; json?: boolean }) => {
      const found = await checkArtifacts(await loadClusterConfig(config));
      const terminal = openTerminal();
      await terminal.write(json ? formatJson(found) : describeCheck(found, terminal));
      if (found.damaged.length + found.unknown.length > 0) setExitCode(ExitCode.failure);
    });
  for (const command of artifacts.commands) command.exitOverride();
}

/** Writes a download below a directory; it appears under its name when its checksum is right. */
async function save(body: ReadableStream<Uint8Array>, { name, sha256 }: Artifact, to: string): Promise<void> {
  const root = resolve(to);
  const path = resolve(root, name);
  // A master sends no such name, but this is the user's own disk.
  if (!path.startsWith(root.endsWith(sep) ? root : root + sep))
    throw errors.requestInvalid(`The name ${JSON.stringify(name)} leads out of ${root}; nothing was written.`);
  try {
    await write(body, { path, name, sha256 });
  } catch (error) {
    const { code, path: place } = error as NodeJS.ErrnoException;
    // Of the user's own disk; what the connection says has no path.
    if (code === undefined || place === undefined) throw error;
    throw errors.requestInvalid(
      `The artifact ${JSON.stringify(name)} cannot be written to ${path}: ${describeDisk(code)}.`,
    );
  }
}

function describeDisk(code: string): string {
  if (code === "ENAMETOOLONG")
    return "its name, or the whole path, is longer than the disk allows; download it from the build's page, under another name";
  const why = inTheWay.has(code) ? "a file and a directory cannot have the same name there" : `the system says ${code}`;
  return `${why}; write it to another directory with --to`;
}

/** What systems say of a file where a directory is wanted, or the reverse. */
const inTheWay = new Set(["EEXIST", "ENOTDIR", "EISDIR", "ENOTEMPTY"]);

async function write(
  body: ReadableStream<Uint8Array>,
  { path, name, sha256 }: Pick<Artifact, "name" | "sha256"> & { readonly path: string },
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // Not the name with an ending, which may be longer than the disk allows.
  const part = join(dirname(path), `.${randomUUID()}.part`);
  const hash = createHash("sha256");
  try {
    const source = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
    source.on("data", (block: Buffer) => hash.update(block));
    await pipeline(source, createWriteStream(part));
    if (hash.digest("hex") !== sha256) throw errors.requestInvalid(`${name} is damaged: its checksum is wrong.`);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}

function describeCheck({ store, rows, objects, damaged, unknown }: ArtifactCheck, { foreign }: Terminal): string {
  return [
    `${store}: ${objects} objects, ${rows} rows.\n`,
    ...damaged.map(
      ({ artifactid, name, what }) =>
        `artifact ${artifactid} (${foreign(name)}): its object ${what === "missing" ? "is missing" : "has another size"}\n`,
    ),
    ...unknown.map((key) => `object ${foreign(key)}: no row names it\n`),
  ].join("");
}
