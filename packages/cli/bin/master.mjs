#!/usr/bin/env -S node --max-semi-space-size=4
// The `master` command; its code is in src/main.ts. The flag bounds what V8 keeps for new objects: 30 MB less memory, as fast.
import { pathToFileURL } from "node:url";
import { keepCompiledCode } from "./compile-cache.mjs";
import { exitCodeOf, PrepareError, requireNode } from "./prepare.mjs";
import { findProgram } from "./program.mjs";

process.exitCode = await exitCodeOf(async () => {
  requireNode();
  const program = findProgram();
  if (program === undefined)
    throw new PrepareError('Multimaster is not built yet: run "npm start" or "npm run build" first.');
  keepCompiledCode();
  const { main } = await import(pathToFileURL(program).href);
  return main(process.argv.slice(2));
});
