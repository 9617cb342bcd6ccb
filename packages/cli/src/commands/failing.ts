import { errors } from "@multimaster/core";
import type { Failing } from "@multimaster/data";
import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { parseCount, parseDuration } from "../options.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal, type Terminal } from "../terminal.ts";
import { formatWhen } from "../when.ts";

interface ListFlags extends ClientFlags {
  main?: boolean;
  muted?: boolean;
  limit: number;
}

interface LineFlags extends ClientFlags {
  branch?: string;
  for?: number;
  untilGood?: boolean;
}

/** `master failing list|take|comment|mute|withdraw`: what fails, and what users say of it. */
export function addFailing(program: Command): void {
  const failing = program.command("failing").description("list what fails, and say who looks after it, or mute it");
  clientOptions(
    failing
      .command("list")
      .description("list builders and branches that fail now, the longest failing first; what is muted comes last")
      .option("--main", "only main and release branches")
      .option("--muted", "only what is muted")
      .option("--limit <count>", "maximum number of rows", parseCount, 50),
  ).action(async (_: ListFlags, command: Command) => {
    const { main, muted, limit, json, ...flags } = command.optsWithGlobals<ListFlags>();
    const api = await connect(flags);
    const query = { order: ["muted", "since"], limit, watched: main, muted } as const;
    const { items, total } = await api.list("failing", "failing", query);
    const terminal = openTerminal();
    await terminal.write(json ? formatJson({ failing: items, total }) : describeFailing(items, terminal));
  });
  onLine("take", "say that you look after a failure: others see it until a build passes", "[text]").action(
    async (builder: string, text: string | undefined, _: LineFlags, command: Command) => {
      await say(command, builder, (api, lineid) =>
        api.call("builder_lines", `lines/${lineid}`, "take", text === undefined ? {} : { text }),
      );
    },
  );
  onLine("comment", "comment on a failure", "<text>").action(
    async (builder: string, text: string, _: LineFlags, command: Command) => {
      await say(command, builder, (api, lineid) => api.call("builder_lines", `lines/${lineid}`, "comment", { text }));
    },
  );
  onLine("mute", "take a failure out of what needs attention, with the reason and an end", "<reason>")
    .option("--for <duration>", "how long, such as 4h or 7d", parseDuration)
    .option("--until-good", "until a build of the newest source passes")
    .action(async (builder: string, reason: string, _: LineFlags, command: Command) => {
      const { for: forMs, untilGood = false } = command.optsWithGlobals<LineFlags>();
      await say(command, builder, (api, lineid) =>
        api.call("builder_lines", `lines/${lineid}`, "mute", {
          text: reason,
          until_good: untilGood,
          ...(forMs === undefined ? {} : { for_seconds: forMs / 1000 }),
        }),
      );
    });
  clientOptions(
    failing
      .command("withdraw")
      .description("withdraw a note: unmute, look after it no longer, or empty a comment")
      .argument("<note>", "the note's id, as the list and the other commands show it", parseCount),
  ).action(async (noteid: number, _: ClientFlags, command: Command) => {
    const { json, ...flags } = command.optsWithGlobals<ClientFlags>();
    await (await connect(flags)).call("notes", `notes/${noteid}`, "withdraw", {});
    await openTerminal().write(json ? formatJson({ noteid }) : `Note ${noteid} is withdrawn.\n`);
  });
  for (const command of failing.commands) command.exitOverride();

  function onLine(name: string, description: string, text: string): Command {
    return clientOptions(
      failing
        .command(name)
        .description(description)
        .argument("<builder>", "the builder's name")
        .argument(text)
        .option("--branch <branch>", "the branch, if the builder fails on several"),
    );
  }

  async function say(
    command: Command,
    builder: string,
    write: (api: Api, lineid: number) => Promise<{ noteid: number }>,
  ): Promise<void> {
    const { branch, json, ...flags } = command.optsWithGlobals<LineFlags>();
    const api = await connect(flags);
    const line = await findLine(api, builder, branch);
    const { noteid } = await write(api, line.lineid);
    const done = `Note ${noteid} on ${builder}, ${line.source}.\n`;
    await openTerminal().write(json ? formatJson({ noteid, lineid: line.lineid }) : done);
  }
}

/** The branch on which a builder fails. */
async function findLine(api: Api, builder: string, branch: string | undefined) {
  const query = { builder, ...(branch === undefined ? {} : { source: branch }), limit: 20 } as const;
  const { items } = await api.list("failing", "failing", query);
  const [one, ...others] = items;
  if (!one) {
    const on = branch === undefined ? "" : ` on ${branch}`;
    throw errors.notFound(`"${builder}" does not fail${on}; "master failing list" lists what does.`);
  }
  if (others.length === 0) return one;
  const named = items.map(({ source }) => source).join(", ");
  throw errors.requestInvalid(`"${builder}" fails on ${named}; choose one with --branch.`);
}

function describeFailing(items: readonly Failing[], terminal: Terminal): string {
  const rows = items.map(
    ({ builder, source, newest_number, count, since, failed_steps: [step], state_string, notes }) => [
      builder,
      terminal.foreign(source),
      `#${newest_number}`,
      count,
      formatWhen(since, terminal),
      terminal.foreign(step?.name ?? state_string),
      terminal.foreign(describeNotes(notes)),
    ],
  );
  const head = ["builder", "branch", "build", "builds", "since", "in", "notes"];
  return formatTable(head, rows, "Nothing fails.", terminal);
}

function describeNotes({ mute, on_it, comments }: Failing["notes"]): string {
  return [
    ...(mute ? [`muted by ${mute.by} (note ${mute.noteid}): ${mute.text}`] : []),
    ...on_it.map(({ by, noteid }) => `${by} is on it (note ${noteid})`),
    ...(comments > 0 ? [comments === 1 ? "1 comment" : `${comments} comments`] : []),
  ].join("; ");
}
