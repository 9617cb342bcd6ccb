import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkConfig, type LoadedConfig } from "@multimaster/config";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { describe, expect, it } from "vitest";
import { configFile } from "../../harness/cluster.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";

/** The table of docs/upgrade.md. */
const page = readFileSync(configFile("docs/upgrade.md"), "utf8").split("## What this release closes")[1] ?? "";
const rows = [...page.matchAll(/^\| (.+) \| (\w+) \| `(.+)` \|$/gm)].map(([, closed, place, line]) => ({
  closed: String(closed),
  place: String(place),
  line: String(line),
}));

/** A cluster for which every default matters; `lines` says more of some of its parts. */
async function load(opened: readonly (typeof rows)[number][] = []): Promise<LoadedConfig> {
  const lines: Record<string, string> = {};
  for (const { place, line } of opened) lines[place] = lines[place] ? `${lines[place]}, ${line}` : line;
  const say = (place: string) => (lines[place] ? `, ${lines[place]}` : "");
  const hooks = `github({ secret: "a long secret"${say("forge")} }), base({ ${lines["hook"] ?? ""} }), gitea({ secret: "another one"${say("gitea")} })`;
  const file = join(temporaryDirectory("closed"), "cluster.ts");
  const text = `import { interpolate } from "@multimaster/config";
import password from "@multimaster/plugins/auth/password";
import base from "@multimaster/plugins/hooks/base";
import gitea from "@multimaster/plugins/hooks/gitea";
import github from "@multimaster/plugins/hooks/github";
import git from "@multimaster/plugins/steps/git";
import junit from "@multimaster/plugins/steps/junit";
import shell from "@multimaster/plugins/steps/shell";

const as = (value) => async () => ({ default: value });
const steps = [
  git({ repourl: "https://example.org/web.git"${say("git")} }),
  shell({ command: interpolate("make \${target}")${say("shell")} }),
  junit({ files: "*.xml"${say("junit")} }),
];
export default {
  name: "closed",
  database: "postgresql://127.0.0.1/none",
  bus: { router: "ws://127.0.0.1:1/ws" },
  builders: {
    all: as({ secrets: { name: "a secret" }, builders: [{ name: "b", workers: ["w"], steps${say("builder")} }] }),
  },
  workers: as({
    workers: [{ name: "w", password: "of twenty characters" }, { name: "here", local: true }]${say("workers")},
  }),
  ui: as({
    host: "0.0.0.0",
    auth: password({ users: {} }),
    authorization: {
      rules: [{ allow: "read", on: "*", to: ["anyone"] }],
      otherwise: "deny",
      roles: { some: { ${lines["authorization"] ?? ""} } },
    },
    ${lines["hook"] || lines["forge"] || lines["gitea"] ? `hooks: [${hooks}],` : ""}
    changeHookAuth: { user: "u", password: "p" }${say("ui")},
  })${say("cluster")},
};
`;
  // A part that this cluster does not have would let any line pass.
  for (const { line } of opened) expect(text).toContain(line);
  writeFileSync(file, text);
  const config = await loadClusterConfig(file, checkConfig);
  await checkConfig(config);
  return config;
}

const opening = (text: string) => / place[s]?\); (.+) opens it$/.exec(text)?.[1];

describe("what this release closes", () => {
  it("is opened by lines that are valid, after which nothing is reported", async () => {
    const [hooks, others] = [
      rows.filter(({ line }) => line.startsWith("hooks:")),
      rows.filter(({ line }) => !line.startsWith("hooks:")),
    ];
    expect([hooks.length, others.length]).toEqual([1, 22]);
    expect((await load(others)).closedDefaults()).toEqual([]);
    const told = (await load(hooks)).closedDefaults();
    expect(told).toEqual((await load()).closedDefaults());
  });

  it("is reported where it matters and the config sets nothing, each with a line of the table", async () => {
    const told = (await load()).closedDefaults();
    expect(told).toHaveLength(12);
    for (const text of told) expect(rows.map(({ line }) => line)).toContain(opening(text));
  });

  it("is reported in a line or two of the quick start, and not at all by masters without its slices", async () => {
    const quick = await loadClusterConfig(configFile("configs/quickstart/cluster.ts"), checkConfig);
    expect(quick.closedDefaults()).toEqual([]);
    await checkConfig(quick);
    expect(quick.closedDefaults().map(opening)).toEqual(['passEnvironment: ["NAME"]', "logEnviron: true"]);
  });
});
