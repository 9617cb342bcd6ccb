#!/usr/bin/env node
import { runWorkerCommand } from "../dist/index.js";

process.exitCode = await runWorkerCommand(process.argv.slice(2));
