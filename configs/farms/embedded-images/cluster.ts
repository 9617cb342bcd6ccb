/** Images for boards: targets from a table, nightlies, and what each one needs. */
import { readFileSync } from "node:fs";
import {
  defineBuilders,
  defineCluster,
  defineLock,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import { z } from "@multimaster/plugins";
import directory from "@multimaster/plugins/artifact-stores/directory";
import force from "@multimaster/plugins/schedulers/force";
import nightly from "@multimaster/plugins/schedulers/nightly";
import addSteps from "@multimaster/plugins/steps/add-steps";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";
import upload from "@multimaster/plugins/steps/upload";

const state = env("MULTIMASTER_STATE", "state");
const repourl = env("REPOSITORY", "https://git.example.org/images.git");
const target = z.strictObject({ name: z.string(), machine: z.string(), diskGiB: z.number() });
const targets = z.array(target).parse(JSON.parse(readFileSync(new URL("targets.json", import.meta.url), "utf8")));
const names = targets.map(({ name }) => name);
/** One at a time moves the link that users follow. */
const publishing = defineLock({ name: "publishing" });
const phases = z.array(z.strictObject({ name: z.string().max(40), command: z.array(z.string()).min(1) })).max(50);

const nightOf = (name: string, dayOfWeek: string, properties: Record<string, string>) =>
  nightly({
    name,
    builders: names,
    hour: 2,
    minute: 30,
    dayOfWeek,
    timeZone: "Europe/Berlin",
    branch: "main",
    properties,
  });

export default defineCluster({
  name: "images",
  database: env("DATABASE_URL", `sqlite:${state}/images.sqlite`),
  // `/artifacts/latest/BUILDER/…` is the image of the newest build that succeeded.
  artifacts: { store: directory({ path: `${state}/artifacts` }), keepBuilds: 20 },
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [
        nightOf("weeknights", "mon-fri", { suite: "quick" }),
        nightOf("saturday", "sat", { suite: "full" }),
        nightOf("sunday", "sun", { suite: "full", reproducible: "yes" }),
        force({ name: "by-hand", builders: names }),
      ],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: targets.map(({ name, machine, diskGiB }) => ({
          name,
          workers: ["big-1", "big-2"],
          properties: { machine },
          async canStart(_request, worker) {
            const { code, output } = await worker.probe("df -Pk . | tail -n 1 | awk '{ print $4 }'");
            const free = Number(output) / 1024 / 1024;
            return (
              (code === 0 && free >= diskGiB) || {
                refused: `it has ${free.toFixed(1)} GiB free, and ${diskGiB} are needed`,
                askAgainIn: "10m",
              }
            );
          },
          steps: [
            git({ repourl }),
            // It writes which phases this target has: [{ "name": "kernel", "command": ["make", "kernel"] }, …].
            shell({ name: "plan", command: ["./plan", machine], haltOnFailure: true }),
            addSteps({
              file: "phases.json",
              steps: (_build, value) => phases.parse(value).map((phase) => shell({ ...phase, haltOnFailure: true })),
            }),
            upload({ directory: "out", haltOnFailure: true }),
            shell({
              name: "publish",
              workdir: "published",
              command: 'rm -rf "$BUILD" && cp -R ../build/out "$BUILD" && ln -sfn "$BUILD" latest',
              env: { BUILD: (build) => `build-${build.build.number}` },
              locks: [publishing.exclusive()],
            }),
          ],
        })),
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      port: envPort("WORKER_PORT", 9989),
      workers: ["big-1", "big-2"].map((name) => ({
        name,
        password: env(`${name.toUpperCase().replace("-", "_")}_PASSWORD`),
      })),
    }),
  }),
  ui: async () => ({ default: defineUi({ host: "127.0.0.1", port: envPort("UI_PORT", 8010), hooks: [] }) }),
});
