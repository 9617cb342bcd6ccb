import { renderable } from "@multimaster/config";
import { positiveDuration } from "@multimaster/core";
import { z } from "zod";
import { defineLatentWorker, type FoundInstance, type ProviderContext } from "../define-latent-worker.ts";
import { readProgram } from "../run-program.ts";
import { masterUrl } from "./options/master-url.ts";
import { program } from "./options/program.ts";

/** No word that a program could take for an option. */
const isId = /^[^\s-]\S{0,499}$/;

/** Starts workers by three commands of one's own. */
export default defineLatentWorker({
  type: "command",
  options: {
    start: renderable(program).describe(
      "Starts an instance, labelled, and writes its id as the last line. It gets MULTIMASTER_CLUSTER, MULTIMASTER_LATENT, MULTIMASTER_INSTANCE, MASTER_URL, WORKER_NAME and WORKER_PASSWORD.",
    ),
    stop: program.describe("Ends the instance whose id is its last argument; it succeeds if there is none."),
    list: program.describe(
      'Writes a line for each instance with the labels: its id, a space, its number, and " dead" if it has ended.',
    ),
    env: z
      .record(z.string(), z.string())
      .default({})
      .describe("Variables that the commands get, beside the engine's own PATH and HOME."),
    masterUrl: masterUrl
      .optional()
      .describe("URL at which engines accept workers; absent: the port of the engine that starts it."),
    timeout: positiveDuration.prefault("10m").describe("Longest time for one command."),
    host: z
      .string()
      .optional()
      .describe("Set if only engines with the same text here reach the instances; absent: every engine does."),
  },
  reach: ({ host }) => host ?? null,
  masterUrlOf: ({ masterUrl }) => masterUrl,
  async start(ctx, options, { instanceid, masterUrl, worker, secret, output }) {
    const variables = {
      MULTIMASTER_INSTANCE: String(instanceid),
      MASTER_URL: masterUrl,
      WORKER_NAME: worker,
      WORKER_PASSWORD: secret,
    };
    const text = await run(ctx, options, options.start as string[], variables);
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    output(`${hide(lines.join("\n"), secret)}\n`);
    const id = lines.at(-1)?.trim() ?? "";
    if (!isId.test(id)) throw new Error("its start command has not written an id as its last line");
    return id;
  },
  async stop(ctx, options, id) {
    await run(ctx, options, [...options.stop, id]);
  },
  async list(ctx, options) {
    const text = await run(ctx, options, options.list);
    return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : readLine(line.trim())));
  },
});

function readLine(line: string): FoundInstance {
  const match = /^(?<id>[^\s-]\S{0,499}) (?<number>\d{1,15})(?<dead> dead)?$/.exec(line);
  if (!match?.groups)
    throw new Error(`its list command has written ${JSON.stringify(line.slice(0, 100))}, not "ID NUMBER"`);
  const { id = "", number, dead } = match.groups;
  return { id, instanceid: Number(number), isAlive: dead === undefined };
}

async function run(
  { labels, signal, configDirectory }: ProviderContext,
  { env, timeout }: { env: Readonly<Record<string, string>>; timeout: number },
  command: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { PATH = "", HOME = "" } = process.env;
  const names = { MULTIMASTER_CLUSTER: labels.cluster, MULTIMASTER_LATENT: labels.latent };
  try {
    return await readProgram(command, {
      cwd: configDirectory,
      env: { PATH, HOME, ...env, ...names, ...variables },
      timeoutMs: timeout,
      signal,
    });
  } catch (error) {
    const secret = variables["WORKER_PASSWORD"];
    if (secret !== undefined && error instanceof Error) throw new Error(hide(error.message, secret));
    throw error;
  }
}

const hide = (text: string, secret: string) => text.replaceAll(secret, "<password>");
