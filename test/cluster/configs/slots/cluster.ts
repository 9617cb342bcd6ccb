/** Schedulers that run each second, for masters that take over from each other. */
import { defineCluster, defineScheduling, env } from "@multimaster/config";
import nightly from "@multimaster/plugins/schedulers/nightly";
import periodic from "@multimaster/plugins/schedulers/periodic";

const builders = ["job"];

export default defineCluster({
  name: "slots",
  database: env("DATABASE_URL", ""),
  bus: { router: env("WAMP_ROUTER"), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "2s"),
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [
        periodic({ name: "second", every: "1s", builders }),
        nightly({ name: "minute", minute: "*", runAtStart: true, builders }),
      ],
    }),
  }),
  builders: {},
});
