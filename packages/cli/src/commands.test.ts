import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { commands, loadCommands } from "./commands.ts";

describe("the list of commands", () => {
  it.each(commands.map(({ names, load }) => [names.join(", "), names, load] as const))(
    "names %s as it calls itself",
    async (_title, names, load) => {
      const program = new Command();
      (await load())(program, () => {});
      expect(program.commands.map((command) => command.name())).toEqual(names);
    },
  );

  it("loads the command that is asked for alone, and all for help", async () => {
    expect(await loadCommands("undrain")).toHaveLength(1);
    expect(await loadCommands("help")).toHaveLength(commands.length);
    expect(await loadCommands(undefined)).toHaveLength(commands.length);
  });
});
