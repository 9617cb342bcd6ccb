#!/usr/bin/env node
// The `master` command; its code is in src/main.ts.
import { existsSync } from "node:fs";
import { keepCompiledCode } from "./compile-cache.mjs";
import { exitCodeOf, PrepareError, requireNode } from "./prepare.mjs";

const program = new URL("../dist/main.js", import.meta.url);

process.exitCode = await exitCodeOf(async () => {
  requireNode();
  if (!existsSync(program))
    throw new PrepareError('Multimaster is not built yet: run "npm start" or "npm run build" first.');
  keepCompiledCode();
  const { main } = await import(program.href);
  return main(process.argv.slice(2));
});
