import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AnyResource, controlMessages, liveTopics } from "@multimaster/data";
import { expect, it } from "vitest";
import { root } from "./source-files.ts";

const resources = [...new Set(liveTopics.flatMap(({ resource }) => resource ?? []))].sort((a, b) =>
  a.plural < b.plural ? -1 : 1,
);

it("every event says in a sentence who reacts to it", () => {
  const sentences = [
    ...resources.map(({ events }) => events?.names ?? {}),
    ...Object.values<Record<string, string>>(controlMessages),
  ].flatMap((names) => Object.values<string>(names));
  expect(sentences.filter((sentence) => !/^[A-Z].{20,}\.$/.test(sentence))).toEqual([]);
});

it("every topic names fields of its resource, and one of them the id alone", () => {
  for (const { plural, id, fields, events } of resources) {
    const topics = events?.topics ?? [];
    const variables = topics.map((topic) =>
      topic.split("/").flatMap((part) => (part.startsWith(":") ? part.slice(1) : [])),
    );
    expect(
      variables.flat().filter((name) => !(name in fields)),
      plural,
    ).toEqual([]);
    expect(variables, plural).toContainEqual([id]);
    expect(
      Object.values(events?.only ?? {}).flatMap((few) => (few ?? []).filter((topic) => !topics.includes(topic))),
    ).toEqual([]);
  }
});

// After a change to an event, write the page again: npx vitest run --config test/vitest.config.ts test/architecture/events.test.ts -u
it("docs/events.md lists the events as they are declared", async () => {
  await expect(renderPage()).toMatchFileSnapshot(join(root, "docs/events.md"));
});

it("docs/security.md names only topics of declared events", () => {
  const table = readFileSync(join(root, "docs/security.md"), "utf8").split("## Messages between masters")[1] as string;
  const named = [...table.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell = ""]) => topicsIn(cell));
  const declared = new Set([...liveTopics.flatMap(topicsOf), ...controlTopics(), "control.worker.ID.*"]);
  expect(named.filter((topic) => !topic.startsWith("leases.")).length).toBeGreaterThan(10);
  expect(named.filter((topic) => !topic.startsWith("leases.") && !declared.has(topic))).toEqual([]);
});

/** Topics of one cell of the table; `.event` has the parts of the topic before it. */
function topicsIn(cell: string): string[] {
  let last = "";
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => {
    last = text.startsWith(".") ? last.replace(/\.[^.]*$/, text) : text;
    return last;
  });
}

function topicsOf({ shape, resource }: (typeof liveTopics)[number]): string[] {
  const prefix = shape.slice(0, -1).map((part) => part ?? "ID");
  return Object.keys(resource?.events?.names ?? {}).map((event) => [...prefix, event].join("."));
}

function controlTopics(): string[] {
  return Object.entries(controlMessages).flatMap(([of, actions]) =>
    Object.keys(actions).map((action) => `control.${of}.ID.${action}`),
  );
}

function renderPage(): string {
  return [intro, ...resources.map(renderResource), control, ...Object.entries(controlMessages).map(renderControl)].join(
    "",
  );
}

function renderResource({ plural, events }: AnyResource): string {
  const topics = events?.topics.map((topic) => `\`${topic}\``).join(", ");
  const only = Object.entries(events?.only ?? {}).map(
    ([event, few]) => `\`${event}\` only on ${(few ?? []).map((topic) => `\`${topic}\``).join(", ")}.\n`,
  );
  return `\n### ${plural}\n\n${topics}\n\n${only.length > 0 ? `${only.join("")}\n` : ""}${renderTable(events?.names ?? {})}`;
}

function renderControl([of, actions]: [string, Readonly<Record<string, string>>]): string {
  return `\n### control.${of}\n\n${renderTable(actions)}`;
}

function renderTable(names: Readonly<Record<string, string>>): string {
  const rows = Object.entries(names).map(([name, sentence]) => `| \`${name}\` | ${sentence} |\n`);
  return `| event | who reacts |\n|---|---|\n${rows.join("")}`;
}

const intro = `# Events of the cluster

Masters publish an event after they have committed the rows that it is about. An event only wakes: its receivers read the rows, and
they also poll them, so a lost event costs time and nothing else ([security.md](security.md#messages-between-masters)). Browsers and
programs listen to the same events ([realtime.md](realtime.md)). \`:field\` in a topic is that field of the object; the name of the
event is the last part: \`builds/12/finished\`.

## What happened

Properties of a build are no noun of their own; they are published on \`builds/:buildid/properties/update\`.
`;

const control = `
## What is asked for

The master that holds the thing receives \`control.NOUN.ID.ACTION\`. The request is a row before it is a message.
`;
