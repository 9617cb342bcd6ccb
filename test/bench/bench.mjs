// `npm run bench [-- CHECKOUT…]`: no-op builds and REST reads per second of one master on PostgreSQL, of this checkout
// and, in turns, of others (built, with this directory in them). Machines are noisy: only ratios mean anything.
//   BENCH_ROUNDS=3 BENCH_BUILDS=300 BENCH_PROFILE=DIRECTORY (one .cpuprofile for each master)
// `npm run bench -- farm [CHECKOUT…]`: what a farm costs where each of 500 builders may run on each of 2,000 workers.
//   FARM_WORKERS=2000 FARM_BUILDERS=500 FARM_PENDING=20000 FARM_MIRROR=1 (with a Buildbot master beside, which takes minutes)
import { fileURLToPath } from "node:url";
import { createJiti } from "jiti";

const jiti = createJiti(import.meta.url, { fsCache: false });
const own = fileURLToPath(new URL("../../", import.meta.url));
const [what, ...checkouts] = process.argv.slice(2);
if (what === "farm") {
  const { benchFarm } = await jiti.import(fileURLToPath(new URL("farm.ts", import.meta.url)));
  await benchFarm([own, ...checkouts]);
} else if (what === "rest") {
  const { benchRest } = await jiti.import(fileURLToPath(new URL("rest.ts", import.meta.url)));
  await benchRest([own, ...checkouts]);
} else {
  const { bench } = await jiti.import(fileURLToPath(new URL("bench.ts", import.meta.url)));
  await bench([own, ...process.argv.slice(2)]);
}
process.exit();
