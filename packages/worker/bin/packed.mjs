#!/usr/bin/env node
// The program of the package that `npm run pack:worker` makes.
import { runWorkerCommand } from "../dist/index.js";

process.exitCode = await runWorkerCommand(process.argv.slice(2), "multimaster-worker");
