import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import { errors } from "@multimaster/core";
import type { Command } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { gatherPairs } from "../options.ts";
import { formatJson, openTerminal } from "../terminal.ts";

interface Flags extends ClientFlags {
  author?: string;
  comments: string;
  branch?: string;
  revision?: string;
  repository?: string;
  project?: string;
  codebase?: string;
  category?: string;
  revlink?: string;
  file?: string[];
  property?: string[];
  delivery?: string;
}

/** One of these is enough; without any, a change says nothing by which a scheduler could select it. */
const described = [
  "branch",
  "revision",
  "comments",
  "file",
  "repository",
  "project",
  "codebase",
  "category",
] as const satisfies readonly (keyof Flags)[];

export function addSendChange(program: Command): void {
  clientOptions(
    program
      .command("send-change")
      .description("send a change to the cluster; it is stored when the command ends with 0")
      .option("--author <author>", "author of the change (default: git's user, or your user name)")
      .option("--comments <text>", "description of the change", "")
      .option("--branch <branch>")
      .option("--revision <revision>")
      .option("--repository <url>")
      .option("--project <project>")
      .option("--codebase <codebase>")
      .option("--category <category>")
      .option("--revlink <url>", "URL of its web page")
      .option("--file <path>", "a file that it changes; repeatable", (path: string, before: string[] = []) => [
        ...before,
        path,
      ])
      .option("--property <name=value>", "a property of its builds; repeatable", gatherPairs)
      .option("--delivery <id>", "id of this delivery: sent again with the same id, it stays one change"),
  ).action(async (flags: Flags) => {
    if (described.every((name) => (flags[name] ?? "") === "")) {
      const names = described.map((name) => `--${name}`).join(", ");
      throw errors.requestInvalid(`The change is empty; send-change needs at least one of ${names}.`);
    }
    const { json, url, profile, tokenFile, file, property, author, ...change } = flags;
    const api = await connect({ url, profile, tokenFile });
    const properties: Record<string, string> = Object.fromEntries(
      (property ?? []).map((text) => text.split(/=(.*)/s, 2)),
    );
    const params = {
      ...change,
      author: author ?? (await whoami()),
      files: file ?? [],
      properties,
    };
    const answer = await api.call("changes", "changes", "add", params);
    await openTerminal().write(json ? formatJson(answer) : `Change ${answer.changeid}\n`);
  });
}

/** The author that git would use for a commit here. */
async function whoami(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("git", ["var", "GIT_AUTHOR_IDENT"]);
    return stdout.replace(/>.*/s, ">");
  } catch {
    return userInfo().username;
  }
}
