import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { checkClusterConfig } from "@multimaster/operator/check-cluster-config";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { describe, expect, it } from "vitest";
import { buildbotDocument } from "./document.ts";
import { importConfig } from "./import-config.ts";
import { describeShare, printReport } from "./report.ts";

const fixtures = fileURLToPath(new URL("../../../../test/fixtures/buildbot-farms/", import.meta.url));

/** What Buildbot 4.3.0 says of the configuration (test/fixtures/buildbot-farms/README.md). */
function read(farm: string) {
  return buildbotDocument.parse(JSON.parse(readFileSync(`${fixtures}${farm}/document.json`, "utf8")));
}

interface Ruled {
  rulesOf(options: unknown): Readonly<Record<string, boolean>>;
}
const checked = ["haltOnFailure", "flunkOnFailure", "flunkOnWarnings", "warnOnFailure", "alwaysRun"];

describe.each(["branches", "embedded", "emulator", "library", "packages", "database"])("the farm %s", (farm) => {
  const document = read(farm);
  const { files, findings } = importConfig(document);

  it("is written as the files that test/fixtures keeps, which are type-checked with all others", async () => {
    for (const [name, text] of [...files, ["IMPORT.md", printReport(document, findings)] as const])
      await expect(text).toMatchFileSnapshot(`${fixtures}${farm}/imported/${name}`);
    const { constructs, open: left } = findings.share;
    expect(describeShare(findings)).toContain(`${constructs - left.length} of ${constructs} constructs translated`);
    expect(left.length).toBeLessThan(constructs / 3);
  });

  it("passes check-config, which warns of functions that are still to be written, and has the rules that count in Buildbot", async () => {
    const config = await loadClusterConfig(`${fixtures}${farm}/imported/cluster.ts`, checkClusterConfig);
    const { builders, warnings } = await checkClusterConfig(config);
    const ours = document.builders.filter(({ args }) => args["name"] !== "__Janitor");
    expect(builders).toBe(ours.length);
    const marked = [...files.values()].join("").match(/todo\(/g) ?? [];
    expect(warnings.filter((text) => text.includes("is still to be written"))).toHaveLength(marked.length);

    const [slice] = (await config.builders(["main"])).values();
    expect(slice?.builders.map(({ steps }) => steps.length)).toEqual(ours.map(({ steps }) => steps.length));
    for (const [i, { steps }] of ours.entries())
      for (const [k, step] of steps.entries()) {
        // A step that stands for one which is not translated stops its build.
        if (["ShellMixin", "RpmBuild"].includes(step.base)) continue;
        const { plugin, options } = slice?.builders[i]?.steps[k] ?? expect.unreachable();
        const rules = (plugin as unknown as Ruled).rulesOf(options);
        const found = Object.fromEntries(checked.map((rule) => [rule, rules[rule]]));
        expect([step.at, found]).toEqual([
          step.at,
          Object.fromEntries(checked.map((rule) => [rule, step.rules[rule]])),
        ]);
      }
  });

  it("has no secret in clear", () => {
    const text = [...files.values(), JSON.stringify(document)].join("\n");
    const secrets = readFileSync(`${fixtures}${farm}/master.cfg`, "utf8").match(
      /password[ -]of[ -]\w+|secret[ -]of[ -][\w -]+|token-of-[\w-]+|ghp_\w+|the password of \w+|12345:abcdef|Bearer \w+/g,
    );
    for (const secret of secrets ?? []) expect(text).not.toContain(secret);
  });
});
