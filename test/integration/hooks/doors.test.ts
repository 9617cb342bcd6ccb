import { readdirSync } from "node:fs";
import { type ConfigWarning, type PluginDescriptor, uiSlice } from "@multimaster/config";
import { describe, expect, it } from "vitest";
import { open, readChanges } from "../../harness/deliver-hook.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { newDatabase } from "../../harness/test-databases.ts";

type MakeHook = (options?: Record<string, unknown>) => PluginDescriptor<"hook">;

/** Every hook that there is: a new one is among them by itself. */
const directory = new URL("../../../packages/plugins/src/hooks/", import.meta.url);
const hooks: [string, MakeHook][] = await Promise.all(
  readdirSync(directory, { withFileTypes: true })
    .filter((file) => file.isFile() && file.name.endsWith(".ts") && !file.name.endsWith(".test.ts"))
    .map(async ({ name }): Promise<[string, MakeHook]> => {
      const type = name.replace(/\.ts$/, "");
      return [type, (await import(`@multimaster/plugins/hooks/${type}`)).default];
    }),
);
const forges = hooks.filter(([type]) => type !== "base" && type !== "poller");

const problems = (slice: object) => uiSlice.safeParse(slice).error?.issues.map(({ path, message }) => [path, message]);
const changeHookAuth = { user: "ci", password: "p" };

function warningsOf(make: MakeHook, options: Record<string, unknown>): string[] {
  const [hook] = uiSlice.parse({ hooks: [make(options)], changeHookAuth }).hooks as [PluginDescriptor<"hook">];
  return (hook.plugin.warnings?.(hook.options) ?? []).map(({ path }: ConfigWarning) => path.join("."));
}

describe("who may post to a hook:", () => {
  it.each(hooks)("%s says it, or the config is refused", (type, make) => {
    const message = expect.stringMatching(
      new RegExp(
        `^does not say who may post to /change_hook/${type}: .*changeHookAuth.*${type}\\(\\{ anybody: true \\}\\)`,
      ),
    );
    expect(problems({ hooks: [make()] })).toEqual([[["hooks", 0], message]]);
    for (const host of ["127.0.0.1", "localhost"])
      expect(problems({ host, hooks: [make({ anybody: false })] })).toEqual([[["hooks", 0], message]]);
    expect(problems({ hooks: [make()], changeHookAuth })).toBeUndefined();
    expect(problems({ hooks: [make({ anybody: true })] })).toBeUndefined();
  });

  it.each(forges)("of %s a secret says it, and not together with anybody", (_, make) => {
    expect(problems({ hooks: [make({ secret: "s" })] })).toBeUndefined();
    expect(problems({ hooks: [make({ secret: "s", anybody: true })] })).toEqual([
      [["hooks", 0, "anybody"], expect.stringContaining("contradicts the secret")],
    ]);
  });

  it("a password that comes out of an unset variable is a fault of the config, and no password", () => {
    for (const password of [undefined, ""])
      expect(problems({ hooks: [], changeHookAuth: { user: "ci", password } })).toHaveLength(1);
  });

  it("no sender, if the config names no hooks", async () => {
    const server = await startRestServer(await newDatabase("sqlite"), { hooks: undefined });
    for (const [type] of hooks)
      expect((await server.post(`/change_hook/${type}`, "author=a", "application/x-www-form-urlencoded")).status).toBe(
        404,
      );
    expect((await server.post("/change_hook", "author=a", "application/x-www-form-urlencoded")).status).toBe(404);
    expect(await readChanges(server)).toEqual([]);
  });

  it("no sender without the password, for hooks that know no other way; every sender, if the config says so", async () => {
    const all = hooks.map(([, make]) => make());
    const server = await startRestServer(await newDatabase("sqlite"), { hooks: all, changeHookAuth });
    for (const [type] of hooks) expect((await server.post(`/change_hook/${type}`, "{}")).status, type).toBe(401);
    const wide = await startRestServer(await newDatabase("sqlite"), { hooks: all.map(open), changeHookAuth });
    for (const [type] of hooks) expect((await wide.post(`/change_hook/${type}`, "{}")).status, type).not.toBe(401);
  });
});

describe("the config warns", () => {
  it.each(hooks)("of %s for everybody", (_, make) => {
    expect(warningsOf(make, { anybody: true })).toContain("anybody");
    expect(warningsOf(make, {})).not.toContain("anybody");
  });

  it.each(forges)("of %s that takes what is not signed, and of what is closed since this release", (type, make) => {
    const settled = { secret: "s", forks: false, pullRequestRef: "head" };
    const isChoice = !["github", "bitbucketserver", "gerrit"].includes(type);
    expect(warningsOf(make, { secret: "s", strict: false })).toContain("strict");
    expect(warningsOf(make, { secret: "s" })).toEqual(isChoice ? ["forks", "pullRequestRef"] : ["forks"]);
    expect(warningsOf(make, { secret: "s", pullRequests: false })).toEqual([]);
    const { pullRequestRef: _, ...without } = settled;
    const refs = { bitbucketcloud: "from", bitbucketserver: "from" } as Record<string, string>;
    const quiet = type === "gerrit" ? without : { ...without, pullRequestRef: refs[type] ?? "head" };
    expect(warningsOf(make, quiet)).toEqual([]);
  });

  it("of merge requests that are built as the branch they go to", () => {
    const make = (hooks.find(([type]) => type === "gitlab") as [string, MakeHook])[1];
    expect(warningsOf(make, { secret: "s", forks: true, pullRequestRef: "target" })).toEqual(["pullRequestRef"]);
  });
});
