// `npm start`: installs and builds what is missing, then runs all roles in this process with configs/quickstart.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { keepCompiledCode } from "./compile-cache.mjs";
import { exitCodeOf, PrepareError, prepare, requireNode, root } from "./prepare.mjs";
import { findProgram } from "./program.mjs";

const usage = `Usage: npm start -- [--repository PATH_OR_URL] [--once]

  --repository PATH_OR_URL  the git repository to build (default: this checkout)
  --once                    end with the result of the first build

The pages are at port 8010, or at the one of UI_PORT.
The database and the builds are in ~/.local/state/multimaster, or where MULTIMASTER_STATE says.`;

process.exitCode = await exitCodeOf(async () => {
  requireNode();
  const options = parseOptions();
  if (options.help) {
    console.log(usage);
    return 0;
  }
  process.env.MULTIMASTER_REPOSITORY = findRepository(options.repository ?? process.env.MULTIMASTER_REPOSITORY);
  process.env.MULTIMASTER_STATE ||= stateDirectory();
  prepare();
  keepCompiledCode();
  const { main } = await import(pathToFileURL(findProgram()).href);
  const config = join(root, "configs", "quickstart", "cluster.ts");
  return main(["start", "--config", config, options.once ? "--once" : "--progress"]);
});

function parseOptions() {
  try {
    return parseArgs({
      options: { repository: { type: "string" }, once: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    }).values;
  } catch (error) {
    throw new PrepareError(`${error.message}\n\n${usage}`, 2);
  }
}

/**
 * The directory of this checkout's database and builds in the quick start. It is outside the checkout, because a build's
 * tools search the directories above theirs, and the checkout's tools those below.
 */
function stateDirectory() {
  const home = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  const name = `${basename(root)}-${createHash("sha256").update(root).digest("hex").slice(0, 8)}`;
  return join(home, "multimaster", name);
}

/** An absolute path, or an unchanged URL: "scheme://…" or git's "user@host:path". */
function findRepository(given) {
  if (!given) return root;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(given) || /^[^/\\]+@[^/\\:]+:/.test(given)) return given;
  // npm runs scripts in the repository's root; a relative path is relative to the user's directory.
  const path = resolve(process.env.INIT_CWD ?? process.cwd(), given);
  if (!existsSync(path)) throw new PrepareError(`There is no git repository at ${path}.`, 2);
  return path;
}
