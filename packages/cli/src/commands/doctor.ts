import { findGreatest } from "@multimaster/core";
import { checkClusterConfig } from "@multimaster/operator/check-cluster-config";
import { examineCluster, type Finding } from "@multimaster/operator/doctor/doctor";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import type { Command } from "commander";
import { configOption } from "../options.ts";
import { formatJson, openTerminal, type Terminal } from "../terminal.ts";

/** `master doctor`: everything around the masters of a config. */
export function addDoctor(program: Command, setExitCode: (code: number) => void): void {
  program
    .command("doctor")
    .description("look at everything around the masters: database, router, clocks, disks, addresses; say what to do")
    .addOption(configOption())
    .option("--strict", "treat warnings as failures: the exit code is 1 if there are any")
    .option("--json", "as JSON")
    .action(async ({ config: file, strict, json }: { config: string; strict?: boolean; json?: boolean }) => {
      const config = await loadClusterConfig(file, checkClusterConfig);
      const findings = await examineCluster(config);
      const terminal = openTerminal();
      await terminal.write(json ? formatJson(findings) : describe(findings, terminal));
      const isBad = ({ verdict }: Finding) => verdict === "failed" || (strict === true && verdict === "warning");
      if (findings.some(isBad)) setExitCode(1);
    });
}

const styles = { ok: "green", warning: "yellow", failed: "red" } as const;

function describe(findings: readonly Finding[], terminal: Terminal): string {
  const width = findGreatest(findings, ({ about }) => about.length) ?? 0;
  const lines = findings.flatMap(({ verdict, about, sentence, remedy }) => [
    `${terminal.style(styles[verdict], verdict.padEnd(7))}  ${about.padEnd(width)}  ${terminal.foreign(sentence)}`,
    ...(remedy === undefined ? [] : [`${" ".repeat(width + 11)}→ ${remedy}`]),
  ]);
  const count = (verdict: Finding["verdict"]) => findings.filter((one) => one.verdict === verdict).length;
  const [failures, warnings] = [count("failed"), count("warning")];
  const end =
    failures + warnings === 0
      ? "All is well."
      : `${failures} ${failures === 1 ? "failure" : "failures"}, ${warnings} ${warnings === 1 ? "warning" : "warnings"}.`;
  return `${lines.join("\n")}\n${end}\n`;
}
