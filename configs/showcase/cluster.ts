/** Shows what steps can do: each builder of `builders.ts` has a button. Run it with `master start --config configs/showcase/cluster.ts`. */
import { defineCluster, defineScheduling, defineUi, defineWorkers, env, envPort } from "@multimaster/config";
import directory from "@multimaster/plugins/artifact-stores/directory";
import hgPoller from "@multimaster/plugins/change-sources/hg-poller";
import svnPoller from "@multimaster/plugins/change-sources/svn-poller";
import cancelFailing from "@multimaster/plugins/schedulers/cancel-failing";
import cancelSuperseded from "@multimaster/plugins/schedulers/cancel-superseded";
import force from "@multimaster/plugins/schedulers/force";
import triggerable from "@multimaster/plugins/schedulers/triggerable";
import { published, state } from "./places.ts";

/** Repositories that are polled, if there are any. */
const polled = { svn: env("SVN_URL", ""), hg: env("HG_URL", "") };

export default defineCluster({
  name: "showcase",
  database: env("DATABASE_URL", `sqlite:${state}/showcase.sqlite`),
  artifacts: { store: directory({ path: `${state}/artifacts` }), keepBuilds: 10 },
  onMaster: { commands: true, readFrom: [published], writeTo: [published] },
  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [
        ...(polled.svn === "" ? [] : [svnPoller({ repository: polled.svn, splitFile: "branches" })]),
        ...(polled.hg === "" ? [] : [hgPoller({ repository: polled.hg })]),
      ],
      schedulers: [
        force({
          name: "force",
          builders: [
            "sources",
            "programs",
            "files",
            "values",
            "tests",
            "warnings",
            "several",
            "ends early",
            "adds steps",
            "at the same time",
            "announces",
            "from a file",
            "matrix",
            "web",
            "with artifacts",
            "with artifacts of others",
          ],
          label: "Show it",
        }),
        triggerable({ name: "items", builders: ["item"] }),
        // A newer change of a branch ends what is built of the older one, and a failure of the warnings ends the rest.
        cancelSuperseded({ name: "superseded", builders: ["values", "tests"] }),
        cancelFailing({ name: "stop early", builders: ["warnings"], cancels: ["several"] }),
      ],
    }),
  }),
  builders: { main: () => import("./builders.ts") },
  workers: async () => ({
    default: defineWorkers({ basedir: `${state}/workers`, workers: [{ name: "w1", local: true, maxBuilds: 2 }] }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 8010), title: "Showcase", hooks: [] }) }),
});
