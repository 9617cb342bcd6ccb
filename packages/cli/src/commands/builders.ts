import type { Build, Builder } from "@multimaster/data";
import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { markResult } from "../show-build.ts";
import { sourceOf, sourceProperties } from "../source-of-build.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal } from "../terminal.ts";
import { formatWhen } from "../when.ts";

interface Flags extends ClientFlags {
  tag?: string;
}

/** Requests at a time for the latest build of each builder. */
const parallel = 8;

export function addBuilders(program: Command): void {
  clientOptions(
    program
      .command("builders")
      .description("list builders, with the latest build of each that has ended")
      .option("--tag <tag>", "only builders with this tag"),
  ).action(async ({ tag, json, ...flags }: Flags) => {
    const api = await connect(flags);
    const { items } = await api.list("builders", "builders", { order: "name" });
    const wanted = items.filter(({ tags }) => tag === undefined || tags.includes(tag));
    const latest = await readLatest(api, wanted);
    const terminal = openTerminal();
    if (json) {
      const builders = wanted.map((builder, i) => ({ ...builder, latest_build: latest[i] ?? null }));
      return terminal.write(formatJson({ builders }));
    }
    const rows = wanted.map((builder, i) => {
      const build = latest[i];
      const { revision, branch } = build ? sourceOf(build) : { revision: "", branch: "" };
      return [
        builder.name,
        build ? markResult(terminal, build.results) : "",
        ...[build ? `#${build.number}` : "", revision, branch],
        build ? formatWhen(build.complete_at ?? build.started_at, terminal) : "",
        builder.masterids.length > 0 ? "" : "no engine",
        builder.tags.join(", "),
      ];
    });
    const head = ["builder", "latest", "build", "commit", "branch", "ended", "engine", "tags"];
    await terminal.write(formatTable(head, rows, "No builders.", terminal));
  });
}

/** The latest build that has ended, of each builder in turn. */
async function readLatest(api: Api, builders: readonly Builder[]): Promise<(Build | undefined)[]> {
  const found: (Build | undefined)[] = [];
  for (let from = 0; from < builders.length; from += parallel) {
    const some = builders.slice(from, from + parallel);
    const query = { complete: true, order: "-number", limit: 1, property: sourceProperties } as const;
    const pages = await Promise.all(
      some.map(({ builderid }) => api.list("builds", `builders/${builderid}/builds`, query)),
    );
    for (const { items } of pages) found.push(items[0]);
  }
  return found;
}
