import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { componentDirectory } from "../setup.mjs";
import { startProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface FuzzingOptions {
  /** OpenAPI; its paths are below `url`. */
  readonly description: object;
  readonly url: string;
  readonly method: "GET" | "POST";
  /** Requests made up per path and method. */
  readonly examples: number;
  /** Also each parameter alone at and beyond its limits: many thousand requests more. */
  readonly limits?: boolean;
  readonly seed: number;
  /** Values that stay as they are given, for the paths whose template matches. */
  readonly fixed?: { readonly paths: string; readonly parameters: Readonly<Record<string, string | number>> };
}

export interface FuzzingReport {
  readonly operations: number;
  readonly requests: number;
  /** Every difference from the description, in detail; empty if there is none. */
  readonly failures: string;
}

const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
];

/** Lets schemathesis make up requests, right ones and wrong ones, and check what a server answers. */
export async function runSchemathesis(options: FuzzingOptions): Promise<FuzzingReport> {
  const directory = temporaryDirectory("schemathesis");
  const file = (name: string) => join(directory, name);
  writeFileSync(file("openapi.json"), JSON.stringify(options.description));
  writeFileSync(file("schemathesis.toml"), configOf(options));
  const run = await startProcess({
    name: "schemathesis",
    command: join(componentDirectory("schemathesis"), "bin", "schemathesis"),
    args: [
      ...["--config-file", file("schemathesis.toml"), "run", file("openapi.json"), "--url", options.url],
      ...["--include-method", options.method, "--checks", checks.join(",")],
      ...["--phases", options.limits ? "coverage,fuzzing" : "fuzzing"],
      ...["--max-examples", String(options.examples), "--seed", String(options.seed)],
      // A call may wait for what it asked for, and the machine may be busy.
      ...["--request-timeout", "60", "--suppress-health-check", "all", "--generation-database", "none"],
      ...["--warnings", "off", "--no-color", "--report", "json", "--report-json-path", file("report.json")],
    ],
    cwd: directory,
    env: { PYTHONUTF8: "1", NO_PROXY: "127.0.0.1,localhost", no_proxy: "127.0.0.1,localhost" },
  });
  const { code } = await run.waitForExit({ timeoutMs: 3_600_000 });
  const output = run.output();
  if (code !== 0 && code !== 1) throw new Error(`schemathesis ended with ${code}:\n${output.slice(-4_000)}`);
  const { operations, test_cases: cases } = JSON.parse(readFileSync(file("report.json"), "utf8")) as {
    operations: { tested: number };
    test_cases: { generated: number };
  };
  return { operations: operations.tested, requests: cases.generated, failures: code === 0 ? "" : shorten(output) };
}

function configOf({ fixed }: FuzzingOptions): string {
  const lines = [
    "continue-on-failure = true",
    "[headers]",
    'Accept = "application/json"',
    // 501 is how the API has always answered a method that an object does not have.
    "[checks.not_a_server_error]",
    'expected-statuses = ["2xx", "3xx", "4xx", "501"]',
  ];
  if (fixed) {
    const parameters = Object.entries(fixed.parameters).map(
      ([name, value]) => `${JSON.stringify(name)} = ${JSON.stringify(value)}`,
    );
    lines.push(
      "[[operations]]",
      `include-path-regex = ${JSON.stringify(fixed.paths)}`,
      `parameters = { ${parameters.join(", ")} }`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** A request that was made up may be very long. */
function shorten(output: string): string {
  const lines = output.split("\n").map((line) => (line.length > 600 ? `${line.slice(0, 600)}…` : line));
  return lines.join("\n").slice(0, 30_000);
}
