import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { otherSources } from "./classes/change-sources.ts";
import type { Mappings } from "./classes/class-mapping.ts";
import { classes } from "./classes/index.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const references = {
  steps: "steps",
  schedulers: "schedulers",
  "change sources": "change-sources",
  reporters: "reporters",
  workers: "latent-workers",
  "secret providers": "secrets",
} as const;

function section(kind: keyof typeof references, mappings: Mappings): string {
  const rows = Object.entries(mappings).map(
    ([name, { to, differs = "" }]) =>
      `| \`${name}\` | ${to === "worker" ? "an entry of `workers`" : `\`${to}\``} | ${differs} |`,
  );
  const title = `${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  return `## ${title}\n\nOptions: [reference/${references[kind]}.md](reference/${references[kind]}.md).\n\n| Buildbot | here | differs |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

it("is what docs/buildbot-classes.md lists", async () => {
  const sections = Object.entries(classes).map(([kind, mappings]) =>
    section(kind as keyof typeof references, mappings),
  );
  const others = Object.entries(otherSources).map(([name, instead]) => `| \`${name}\` | ${instead} |`);
  const page = [
    "# Classes of Buildbot that are imported\n\nWhat `master import-buildbot` makes of each class ([from-buildbot.md](from-buildbot.md)). A class that is derived from one of these is translated as that one, and what it does in its own way is listed. Any other is listed as not translated; this page is generated.\n",
    ...sections,
    `## Change sources that are something else here\n\n| Buildbot | in its place |\n| --- | --- |\n${others.join("\n")}\n`,
  ].join("\n");
  await expect(page).toMatchFileSnapshot(`${root}docs/buildbot-classes.md`);
});

it("names plugins that exist", () => {
  const plugins = Object.values<Mappings>(classes).flatMap((mappings) => Object.values(mappings).map(({ to }) => to));
  for (const plugin of new Set(plugins))
    expect([plugin, plugin === "worker" || existsSync(`${root}packages/plugins/src/${plugin}.ts`)]).toEqual([
      plugin,
      true,
    ]);
});
