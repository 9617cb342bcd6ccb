import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  createFakeClock,
  createSchedulerRows,
  fakeSchedulerContext,
} from "../../../../test/harness/scheduler-fakes.ts";
import type { SchedulerDefinition } from "../define-scheduler.ts";
import force from "./force.ts";

type Field = { fullName: string | null; type: string; fields?: Field[] } & Record<string, unknown>;

async function publish(options: Parameters<typeof force>[0]) {
  const descriptor = force(options);
  const rows = createSchedulerRows();
  const plugin = descriptor.plugin as SchedulerDefinition;
  const running = await plugin.start(
    fakeSchedulerContext(rows, "force", createFakeClock()),
    plugin.options.parse(options),
  );
  await running.stop();
  return rows.published?.form as unknown as { all_fields: Field[] } & Record<string, unknown>;
}

const problems = (options: unknown) => {
  const { plugin } = force(options as Parameters<typeof force>[0]);
  return plugin.options.safeParse(options).error?.issues.map(({ message }) => message);
};

describe("a force scheduler", () => {
  it("publishes what a real Buildbot answers for the same one", async () => {
    const recorded = JSON.parse(
      readFileSync(new URL("../../../../test/fixtures/rest/forceschedulers_force.json", import.meta.url), "utf8"),
    );
    expect(await publish({ name: "force", builders: ["hello", "slow", "extras"] })).toEqual(
      recorded.body.forceschedulers[0],
    );
  });

  it("asks for a source stamp per codebase, each field by its full name", async () => {
    const spec = await publish({
      name: "force",
      builders: ["b"],
      codebases: [
        "app",
        {
          codebase: "lib",
          branch: { choices: ["main", "dev"], default: "main" },
          revision: { fixed: true, default: "HEAD" },
          repository: "https://example.org/lib",
        },
      ],
    });
    const [, app, lib] = spec.all_fields;
    expect(app).toMatchObject({ name: "app", label: "Codebase: app", fullName: "app", type: "nested" });
    expect(app?.fields?.map(({ fullName }) => fullName)).toEqual([
      "app_branch",
      "app_project",
      "app_repository",
      "app_revision",
    ]);
    expect(lib?.fields).toMatchObject([
      { fullName: "lib_branch", type: "list", choices: ["main", "dev"], default: "main", strict: true },
      { fullName: "lib_project", type: "text", default: "" },
      { fullName: "lib_repository", type: "text", default: "https://example.org/lib" },
      { fullName: "lib_revision", type: "fixed", hide: true, default: "HEAD" },
    ]);
  });

  it("asks for parameters of every kind, nested as deep as one likes", async () => {
    const spec = await publish({
      name: "force",
      builders: ["b"],
      parameters: [
        { type: "string", name: "version", regex: /^\d+$/, required: true, label: "Version" },
        {
          type: "nested",
          name: "opts",
          layout: "tabs",
          fields: [
            { type: "bool", name: "clean", default: true },
            { type: "int", name: "jobs", default: 4 },
            {
              type: "nested",
              name: "deep",
              fields: [
                { type: "text", name: "notes" },
                { type: "choice", name: "mult", choices: ["a", "b"], multiple: true, default: ["a"] },
              ],
            },
          ],
        },
        { type: "nested", fields: [{ type: "fixed", name: "kind", default: "forced" }] },
      ],
    });
    const [, , version, opts, anonymous] = spec.all_fields;
    expect(version).toMatchObject({
      type: "text",
      fullName: "version",
      regex: "^\\d+$",
      required: true,
      label: "Version",
      tablabel: "Version",
      size: 10,
    });
    expect(opts).toMatchObject({ type: "nested", layout: "tabs", fullName: "opts", columns: 1 });
    expect(opts?.fields?.[2]).toMatchObject({
      fullName: "opts_deep",
      fields: [
        { fullName: "opts_deep_notes", type: "textarea", cols: 80, rows: 20 },
        { fullName: "opts_deep_mult", type: "list", multiple: true, default: ["a"] },
      ],
    });
    expect(anonymous).toMatchObject({ fullName: null, fields: [{ fullName: "kind", type: "fixed", hide: true }] });
  });

  it("refuses two fields of one name, and what can be no field", () => {
    expect(problems({ name: "f", builders: ["b"], parameters: [{ type: "string", name: "branch" }] })).toEqual([
      'has two fields with the name "branch"',
    ]);
    expect(problems({ name: "f", builders: ["b"], parameters: [{ type: "string", name: "owner" }] })).toHaveLength(1);
    expect(
      problems({ name: "f", builders: ["b"], parameters: [{ type: "string", name: "x", regex: "(" }] }),
    ).toHaveLength(1);
    expect(
      problems({ name: "f", builders: ["b"], codebases: [{ codebase: "", branch: { regex: "(" } }] }),
    ).toHaveLength(1);
    expect(
      problems({
        name: "f",
        builders: ["b"],
        parameters: [{ type: "nested", name: "x", fields: [{ type: "string", name: "branch" }] }],
      }),
    ).toHaveLength(1);
    expect(problems({ name: "no name", builders: ["b"] })).toHaveLength(1);
    expect(problems({ name: "f", builders: [] })).toHaveLength(1);
  });
});
