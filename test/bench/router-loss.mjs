// `npm run bench:router`: the longest pause in running work while the router is away, with masters that wake each
// other through PostgreSQL and with masters that only poll. Machines are noisy: only the ratio means anything.
//   BENCH_SECONDS=30
import { fileURLToPath } from "node:url";
import { createJiti } from "jiti";

const jiti = createJiti(import.meta.url, { fsCache: false });
const { measureRouterLoss } = await jiti.import(fileURLToPath(new URL("router-loss.ts", import.meta.url)));
await measureRouterLoss();
process.exit();
