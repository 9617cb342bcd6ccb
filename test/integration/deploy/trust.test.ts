import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parseAllDocuments, parse as parseYaml } from "yaml";
import { z } from "zod";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const read = (path: string) => readFileSync(`${root}${path}`, "utf8");

const compose = z.looseObject({
  services: z.record(z.string(), z.looseObject({ environment: z.record(z.string(), z.string()).default({}) })),
});
const workload = z.looseObject({
  kind: z.enum(["Deployment", "Job"]),
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        containers: z.array(
          z.looseObject({
            command: z.array(z.string()).default([]),
            envFrom: z.array(z.looseObject({ secretRef: z.object({ name: z.string() }) })),
          }),
        ),
      }),
    }),
  }),
});

// What docs/security.md says of a host that was broken into.
it("the deploy files pass the database's URL to masters alone, as the docs say", () => {
  const { services } = compose.parse(parseYaml(read("configs/deploy/compose/compose.yaml"), { merge: true }));
  const knowing = Object.keys(services).filter((name) => services[name]?.environment["DATABASE_URL"] !== undefined);
  const masters = ["scheduler-1", "scheduler-2", "engine-1", "engine-2", "ui-1", "ui-2"];
  expect(knowing.toSorted()).toEqual([...masters, "upgrade-database"].toSorted());

  const folder = "configs/deploy/kubernetes/";
  const containers = readdirSync(`${root}${folder}`)
    .filter((name) => name.endsWith(".yaml"))
    .flatMap((name) => parseAllDocuments(read(folder + name)).map((document) => workload.safeParse(document.toJS())))
    .flatMap(({ data }) => data?.spec.template.spec.containers ?? []);
  expect(containers).toHaveLength(5);
  for (const { command, envFrom } of containers)
    expect(envFrom.some(({ secretRef }) => secretRef.name === "multimaster")).toBe(command.includes("master"));
  const told = read("docs/security.md");
  for (const slice of ["`ui` and `workers`", "read and write every row"]) expect(told).toContain(slice);
});
