import { fileURLToPath } from "node:url";

/** The program of our own worker. */
export const ownWorkerProgram = fileURLToPath(new URL("../../../../worker/bin/worker.mjs", import.meta.url));
