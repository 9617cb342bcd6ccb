import { describePlainly, errors, hashPassword, readSealingKey, sealPasswordMd5, workerName } from "@multimaster/core";
import { readAccountOptions, sentAccountOptions, type WorkerAccountOptions } from "@multimaster/data";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { addWorker as addAccount, listWorkerAccounts, revokeWorker } from "@multimaster/operator/worker-accounts";
import type { Command } from "commander";
import { z } from "zod";
import { configOption, gatherPairs, parseCount } from "../options.ts";
import { readPassword } from "../read-password.ts";
import { formatTable } from "../table.ts";
import { formatWhen } from "../when.ts";

interface AddFlags {
  config: string;
  maxBuilds?: number;
  property?: string[];
  missingTimeout?: string;
  keepAlive?: string;
  quarantineAfter?: string;
  probationAfter?: string;
  owner?: string;
  note?: string;
}

/** `master worker add|list|revoke`: workers that are added at run time; `hash`: passwords of those in the config. */
export function addWorker(program: Command): void {
  const worker = program.command("worker").description("add, list and revoke workers, and hash their passwords");
  addAccounts(worker);

  worker
    .command("hash")
    .description("read a worker's password from the terminal or standard input, and print its hash for the config")
    .argument("<name>", "the worker's name")
    .option(
      "--sealing-key <file>",
      "print what workers with the pb protocol need too, sealed with the key in this file",
    )
    .action(async (name: string, { sealingKey }: { sealingKey?: string }) => {
      const key =
        sealingKey === undefined
          ? undefined
          : await readSealingKey(sealingKey).catch((error: Error) => {
              throw errors.requestInvalid(`${error.message}.`);
            });
      const password = await readPassword();
      const lines = [`passwordHash: "${await hashPassword(password)}",`];
      if (key !== undefined) lines.push(`passwordMd5Sealed: "${sealPasswordMd5(key, name, password)}",`);
      process.stdout.write(`${lines.join("\n")}\n`);
    });

  worker
    .command("start", { hidden: true })
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw errors.requestInvalid(
        'Workers are started by a program of their own, on their machines: "worker start --master wss://ci.example:9989 --name worker-1 --password-file worker-1.password" (docs/operators.md).',
      );
    });

  for (const command of worker.commands) command.exitOverride();
}

function addAccounts(worker: Command): void {
  worker
    .command("add")
    .description("add a worker, and print its secret: it cannot be shown again")
    .argument("<name>", "the worker's name, as builders of the config name it")
    .addOption(configOption())
    .option("--max-builds <count>", "maximum number of builds at the same time; 1 by default", parseCount)
    .option("--property <name=value>", "property of its builds; repeatable", gatherPairs)
    .option("--missing-timeout <duration>", "report it as missing after so long, such as 12h, or never")
    .option("--quarantine-after <count>", "failures in a row after which it gets no builds, or never")
    .option("--probation-after <duration>", "try a build on it after so long in quarantine, or never")
    .option("--keep-alive <duration>", "how often it is pinged")
    .option("--owner <name>", "who looks after it")
    .option("--note <text>", "what users should know about it")
    .action(async (name: string, { config: file, maxBuilds = 1, property = [], ...flags }: AddFlags) => {
      const read = workerName.safeParse(name);
      if (!read.success) throw errors.requestInvalid(`The worker's name ${read.error.issues[0]?.message}.`);
      if (maxBuilds < 1) throw errors.requestInvalid("A worker runs at least one build at a time.");
      const properties = Object.fromEntries(property.map((pair) => pair.split(/=(.*)/s, 2) as [string, string]));
      const options = readOptions(flags);
      const secret = await addAccount(await loadClusterConfig(file), { name, maxBuilds, properties, options });
      process.stdout.write(`${secret}\n`);
    });

  worker
    .command("list")
    .description("show the workers that were added, valid or not")
    .addOption(configOption())
    .option("--json", "as JSON")
    .action(async ({ config: file, json }: { config: string; json?: boolean }) => {
      const accounts = await listWorkerAccounts(await loadClusterConfig(file));
      process.stdout.write(json ? `${JSON.stringify(accounts, null, 2)}\n` : formatAccounts(accounts));
    });

  worker
    .command("revoke")
    .description("refuse a worker from now on, and disconnect it")
    .argument("<name>", "its name")
    .addOption(configOption())
    .action(async (name: string, { config: file }: { config: string }) => {
      await revokeWorker(await loadClusterConfig(file), name);
      process.stdout.write(`The worker ${name} is revoked.\n`);
    });
}

/** Options of the command line as options of an account; `never` is null. */
function readOptions(flags: Omit<AddFlags, "config" | "maxBuilds" | "property">): WorkerAccountOptions {
  const orNever = (text: string | undefined) => (text === "never" ? null : text);
  const count = orNever(flags.quarantineAfter);
  const read = z.object(sentAccountOptions).safeParse({
    keep_alive: flags.keepAlive,
    missing_timeout: orNever(flags.missingTimeout),
    quarantine_after: typeof count === "string" ? Number(count) : count,
    probation_after: orNever(flags.probationAfter),
    owned_by: flags.owner,
    note: flags.note,
  });
  if (read.success) return readAccountOptions(read.data);
  const [issue] = read.error.issues as [z.core.$ZodIssue];
  const [name] = issue.path;
  const flag = name === "owned_by" ? "owner" : String(name).replaceAll("_", "-");
  throw errors.requestInvalid(`--${flag}: ${describePlainly(issue)}.`);
}

function formatAccounts(accounts: Awaited<ReturnType<typeof listWorkerAccounts>>): string {
  return formatTable(
    ["name", "builds", "protocols", "state", "made"],
    accounts.map(({ name, max_builds, allows_pb, revoked_at, made_at }) => [
      name,
      max_builds,
      allows_pb ? "any" : "not pb",
      revoked_at === null ? "valid" : "revoked",
      formatWhen(made_at),
    ]),
    "No workers were added.",
  );
}
