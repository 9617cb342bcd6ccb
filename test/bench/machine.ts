import { spawnSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { componentDirectory, findPostgres } from "../setup.mjs";

/** More work than cores: even ratios mean little then. */
export function describeBusy(): string | undefined {
  const [load = 0] = loadavg();
  return load > cpus().length
    ? `this machine was busy at the start (load ${load.toFixed(1)} on ${cpus().length} cores): even the ratios mean little`
    : undefined;
}

/** What the figures depend on, as pairs of a word and its value. */
export function describeMachine(): Record<string, string> {
  const [processor] = cpus();
  return {
    processor: `${cpus().length} × ${processor?.model.trim() ?? "unknown"}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    system: `${process.platform} ${release()}`,
    "load before": loadavg()
      .map((load) => load.toFixed(2))
      .join(" "),
    node: process.version,
    PostgreSQL: firstLine(join(findPostgres() ?? "", "postgres"), ["--version"]),
    Python: firstLine(join(componentDirectory("buildbot"), "bin", "python"), ["--version"]),
  };
}

function firstLine(command: string, args: readonly string[]): string {
  return spawnSync(command, [...args], { encoding: "utf8" }).stdout?.trim() || "none";
}
