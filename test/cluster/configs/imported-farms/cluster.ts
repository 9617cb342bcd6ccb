/** Six imported farms in one process: their builders, with the local workers; their force schedulers and triggerables. FARMS has their files. */
import {
  type BuildersSliceInput,
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
  type PluginDescriptor,
  type WorkersSliceInput,
} from "@multimaster/config";

const directory = env("FARMS", "");
const farms = ["branches", "embedded", "emulator", "library", "packages", "database"];

const load = async <T>(farm: string, part: string) =>
  ((await import(`${directory}/${farm}/${part}.ts`)) as { default: T }).default;

async function builders(farm: string) {
  const slice = await load<BuildersSliceInput>(farm, "builders");
  // Buildbot's provider reads them from a directory of the farm.
  return defineBuilders({ ...slice, secretProviders: [], secrets: { ...slice.secrets, "mirror-token": "a secret" } });
}

async function schedulers(farm: string) {
  const { schedulers: all } = await load<{ schedulers: PluginDescriptor<"scheduler">[] }>(farm, "scheduler");
  return all.flatMap((scheduler) => {
    if (scheduler.plugin.type === "triggerable") return [scheduler];
    return scheduler.plugin.type === "force"
      ? [{ ...scheduler, options: { ...(scheduler.options as object), name: `force-${farm}` } }]
      : [];
  });
}

/** Only the local ones can build here: the others have machines of their own. */
async function workers(farm: string) {
  const slice = await load<WorkersSliceInput>(farm, "workers");
  const latent = (slice.latent ?? []) as readonly { options: { name: string } }[];
  const made = latent.map(({ options }) => options.name);
  return [...slice.workers, ...made.map((name) => ({ name, password: `that of ${name}` }))];
}

const ofAll = async <T>(read: (farm: string) => Promise<readonly T[]>) => (await Promise.all(farms.map(read))).flat();

export default defineCluster({
  name: "imported-farms",
  database: env("DATABASE_URL", `sqlite:${directory}/master.sqlite`),
  onMaster: { commands: true, readFrom: [directory], writeTo: [directory] },
  builders: Object.fromEntries(farms.map((farm) => [farm, async () => ({ default: await builders(farm) })])),
  scheduler: async () => ({ default: defineScheduling({ schedulers: await ofAll(schedulers) }) }),
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: envPort("WORKER_PORT", 0),
      basedir: `${directory}/workers`,
      workers: await ofAll(workers),
    }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0), hooks: [] }) }),
});
