/** An archive of packages: one child build for each that changed, those first that others need. */
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
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import singleBranch from "@multimaster/plugins/schedulers/single-branch";
import triggerable from "@multimaster/plugins/schedulers/triggerable";
import addSteps from "@multimaster/plugins/steps/add-steps";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";

const repourl = env("REPOSITORY", "https://git.example.org/packages.git");
const archive = defineLock({ name: "archive" });

/** The packages to build with what each of them needs, as the script of the repository lists them. */
const packages = z.record(z.string().regex(/^[\w.+-]{1,40}$/), z.array(z.string()));

/** Each package after those that it needs. */
function inOrder(needs: Readonly<Record<string, readonly string[]>>): string[] {
  const ordered: string[] = [];
  const open = new Set(Object.keys(needs));
  while (open.size > 0) {
    const ready = [...open].filter((name) => (needs[name] ?? []).every((other) => !open.has(other)));
    if (ready.length === 0) throw new Error(`packages need each other: ${[...open].join(", ")}`);
    for (const name of ready) {
      ordered.push(name);
      open.delete(name);
    }
  }
  return ordered;
}

export default defineCluster({
  name: "packages",
  database: env("DATABASE_URL", "sqlite:state/packages.sqlite"),
  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [gitPoller({ repository: repourl, branches: ["main"] })],
      schedulers: [
        singleBranch({ name: "changes", branch: "main", builders: ["archive"], treeStableTimer: "2m" }),
        triggerable({ name: "package", builders: ["package"] }),
      ],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        secrets: { "signing-key": env("SIGNING_KEY") },
        builders: [
          {
            name: "archive",
            workers: ["builder-1"],
            steps: [
              git({ repourl }),
              shell({ name: "list", command: ["./list-packages", "packages.json"], haltOnFailure: true }),
              addSteps({
                file: "packages.json",
                // The first failure ends the rest: what needs that package cannot be built.
                steps: (_build, value) =>
                  inOrder(packages.parse(value)).map((name) =>
                    trigger({
                      name: `build ${name}`,
                      schedulerNames: ["package"],
                      waitForFinish: true,
                      setProperties: { package: name },
                      haltOnFailure: true,
                    }),
                  ),
              }),
            ],
          },
          {
            name: "package",
            workers: ["builder-2"],
            maxBuilds: 4,
            steps: [
              git({ repourl }),
              shell({
                name: "build",
                command: (build) => ["./build-package", String(build.property("package"))],
                haltOnFailure: true,
              }),
              shell({
                name: "sign and upload",
                command: (build) => ["./upload-package", String(build.property("package"))],
                env: { SIGNING_KEY: (build) => build.secret("signing-key") },
                locks: [archive.exclusive()],
              }),
            ],
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      workers: [
        { name: "builder-1", password: env("BUILDER_1_PASSWORD") },
        { name: "builder-2", password: env("BUILDER_2_PASSWORD") },
      ],
    }),
  }),
  ui: async () => ({ default: defineUi({ host: "127.0.0.1", port: envPort("UI_PORT", 8010), hooks: [] }) }),
});
