import type { BuildbotDocument } from "./document.ts";
import { Findings } from "./findings.ts";
import { printLocks } from "./locks.ts";
import { Scope, SecretNames } from "./scope.ts";
import { SourceFile } from "./source-file.ts";
import { buildersSlice } from "./write-builders.ts";
import { clusterPart } from "./write-cluster.ts";
import { schedulingSlice } from "./write-scheduler.ts";
import { uiSlice } from "./write-ui.ts";
import { workersSlice } from "./write-workers.ts";

/** A written config: its files by name, and what they lack. */
export interface ImportedConfig {
  readonly files: ReadonlyMap<string, string>;
  readonly findings: Findings;
}

/** Translates what Buildbot's configuration says. */
export function importConfig(document: BuildbotDocument): ImportedConfig {
  const findings = new Findings();
  const secrets = new SecretNames();
  const scopeOf = (where: string) => new Scope({ file: new SourceFile(), secrets, findings, where });
  const from = `Made from Buildbot's ${document.file} by \`master import-buildbot\`; what is left to do is in IMPORT.md.`;

  const files = new Map<string, string>();
  const cluster = scopeOf("the cluster");
  const part = clusterPart(document, cluster);
  files.set("cluster.ts", cluster.file.print(`The cluster. ${from}`, part));

  const builders = scopeOf("the builders");
  const set = buildersSlice(document, builders);
  const about = "The builders: their workers and their steps.";
  files.set("builders.ts", builders.file.print(about, set.code, set.definitions));
  const locks = printLocks(builders);
  if (locks !== undefined) files.set("locks.ts", locks);

  const scheduler = scopeOf("the schedulers");
  const scheduling = schedulingSlice(document, scheduler);
  files.set("scheduler.ts", scheduler.file.print("What is built, and when; and who hears of it.", scheduling));

  const workers = scopeOf("the workers");
  const attached = workersSlice(document, workers);
  files.set("workers.ts", workers.file.print("The workers that may build.", attached));

  const ui = scopeOf("the ui");
  const { code, definitions } = uiSlice(document, ui);
  files.set("ui.ts", ui.file.print("The REST API and the pages.", code, definitions));
  return { files, findings };
}
