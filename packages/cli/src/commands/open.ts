import { spawn } from "node:child_process";
import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { connect, serverOptions } from "../client/connect.ts";
import { findBuilder } from "../client/find-item.ts";
import { findBuild } from "../client/named-build.ts";
import type { ServerFlags } from "../client/profile.ts";
import { openTerminal } from "../terminal.ts";

interface Flags extends ServerFlags {
  print?: boolean;
}

export function addOpen(program: Command): void {
  serverOptions(
    program
      .command("open")
      .description("open the page of a build or a builder in the browser, and print its address")
      .argument("[what]", "a build's id or BUILDER/NUMBER, or a builder's name (default: the first page)")
      .option("--print", "only print the address"),
  ).action(async (what: string | undefined, { print, ...flags }: Flags) => {
    const api = await connect(flags);
    const url = new URL(await findPage(api, what), api.url).href;
    const terminal = openTerminal();
    if (!print && terminal.isTty) openInBrowser(url);
    await terminal.write(`${url}\n`);
  });
}

async function findPage(api: Api, what: string | undefined): Promise<string> {
  if (what === undefined) return "";
  if (/(^|\/)\d+$/.test(what)) {
    const { builderid, number } = await findBuild(api, what);
    return `builders/${builderid}/builds/${number}`;
  }
  return `builders/${(await findBuilder(api, what)).builderid}`;
}

/** Where there is no browser, the printed address is all there is. */
function openInBrowser(url: string): void {
  const [command, args] =
    process.platform === "darwin"
      ? ["open", [url]]
      : process.platform === "win32"
        ? ["explorer", [url]]
        : ["xdg-open", [url]];
  const child = spawn(command as string, args as string[], { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
}
