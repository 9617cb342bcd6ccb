import { join } from "node:path";
import { auditChecks, auditThemes, type Check } from "@multimaster/data";
import { expect, it } from "vitest";
import { root } from "./source-files.ts";

it("every check of the audit has an id of its own and speaks of one and of many", () => {
  const ids = auditChecks.map(({ id }) => id);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index || !/^[a-z]+(-[a-z]+)*$/.test(id))).toEqual([]);
  const badSentences = auditChecks.filter(({ one, many }) => /\.$/.test(one) || !/^\{n\} [^.]*[^.]$/.test(many));
  expect(badSentences.map(({ id }) => id)).toEqual([]);
});

// After a change to a check, write the page again: npx vitest run --config test/vitest.config.ts test/architecture/audit.test.ts -u
it("docs/audit.md lists the checks as they are declared", async () => {
  await expect(renderPage()).toMatchFileSnapshot(join(root, "docs/audit.md"));
});

const intro = `# The audit

\`\`\`sh
master audit --config cluster.ts                    # every check
master audit --since 7d                             # history of the last week only
master audit --check request-run-twice --json       # one check, for a program
\`\`\`

\`master audit\` checks the rows of a cluster for states that must never occur. Anyone may run it at any time, also while the cluster
works: it needs no running master, writes nothing, and keeps no one waiting. It reads one snapshot of the database, in which
a healthy cluster is consistent, however busy; a state that a healthy cluster has for a moment (a claim whose
build is about to be made, a dead master about to be evicted) counts only when it is older than the grace time (\`--grace\`, 30
seconds by default) by the database's clock. It exits with 0 when nothing was found and with 1 when something was.

Checks marked *window* read history. Without \`--since\` they read all of it, which takes a while with millions of builds; with
it, that of builds which began, and buildsets which were submitted, within that time. Each finding lists its first ten ids, and how many there are.

A finding is a fault in the program or a sign that rows were changed by hand, so report it. What helps until then stands with each.
`;

function renderPage(): string {
  const themes = auditThemes.map(({ theme, checks }) => `\n## ${theme}\n${checks.map(renderCheck).join("")}`);
  return [intro, ...themes].join("");
}

function renderCheck({ id, one, means, advice, windowed }: Check): string {
  return `\n### \`${id}\`${windowed ? " (window)" : ""}\n\n**${one}.** ${means}\n\n*What to do:* ${advice}\n`;
}
