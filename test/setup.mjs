// Sets up the real programs that the tests run against: PostgreSQL, crossbar.io, buildbot-worker, Chromium, …
// Plain JavaScript without dependencies: it runs before anything is installed. `node test/setup.mjs` may be called at
// any time, also twice at the same time; what exists is kept.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { withLock } from "./setup-lock.mjs";
import { missingVersionControl } from "./version-control.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
// The scripts of a virtual environment name the directory that they were installed in: several checkouts may link to one.
const cachePath = resolve(process.env.MULTIMASTER_CACHE || join(root, ".cache"), "components");
export const cache = existsSync(cachePath) ? realpathSync(cachePath) : cachePath;
const stampName = ".complete";

const pythonComponents = {
  tools: { requirements: ["uv"], minimum: "3.9" },
  crossbar: { requirements: ["crossbar==26.10.1"], minimum: "3.11" },
  "buildbot-worker": {
    requirements: ["buildbot-worker==4.3.0", "msgpack", "autobahn", "pyopenssl", "service-identity"],
    minimum: "3.9",
  },
  ...Object.fromEntries(
    // Twisted 22.10 is the newest that releases before 3.5 run with.
    Object.entries({
      "3.11.9": ["msgpack", "autobahn"],
      "3.4.1": ["Twisted==22.10.0", "setuptools<80"],
      "2.10.5": ["Twisted==22.10.0", "setuptools<80"],
      "1.8.2": ["Twisted==22.10.0", "setuptools<80"],
      "0.9.14": ["Twisted==22.10.0", "setuptools<80"],
    }).map(([release, more]) => [
      `buildbot-worker-${release}`,
      { requirements: [`buildbot-worker==${release}`, ...more], minimum: "3.9" },
    ]),
  ),
  /** The real Buildbot that benchmarks measure beside this project; only they install it. */
  buildbot: {
    requirements: ["buildbot==4.3.0", "buildbot-www==4.3.0", "psycopg2-binary", "msgpack", "autobahn"],
    minimum: "3.9",
  },
  /** Buildbot with what its configurations may need, for the long form of the test of `master import-buildbot`. */
  "buildbot-farms": {
    requirements: ["buildbot==4.3.0", "buildbot-worker==4.3.0", "docker==7.1.0", "txrequests", "treq"],
    minimum: "3.9",
  },
  /** Starts compose files with Podman, for `npm run test:image`; only that installs it. */
  "podman-compose": { requirements: ["podman-compose==1.6.0"], minimum: "3.9" },
  /** The S3-compatible server that the artifact store is tested with. */
  moto: { requirements: ["moto[server,s3]==5.2.5"], minimum: "3.9" },
  /** A homeserver of Matrix, for the long form of the tests of reporters; only they install it. */
  synapse: { requirements: ["matrix-synapse==1.163.2"], minimum: "3.10" },
  schemathesis: { requirements: ["schemathesis==4.32.5"], minimum: "3.10" },
  // Only files: the program they belong to is not needed.
  "buildbot-www": {
    requirements: ["www", "console-view", "grid-view", "waterfall-view"].map((name) => `buildbot-${name}==4.3.0`),
    minimum: "3.9",
    flags: ["--no-deps"],
  },
};
const oldestPostgres = 15;
/** Load balancers, a connection pooler and an IRC server, from Debian's packages: the oldest release that understands what the project uses. */
const balancers = {
  haproxy: { title: "HAProxy", package: "haproxy", oldest: "2.4" },
  nginx: { title: "nginx", package: "nginx-light", oldest: "1.18" },
  pgbouncer: { title: "PgBouncer", package: "pgbouncer", oldest: "1.15" },
  ngircd: { title: "ngIRCd", package: "ngircd", oldest: "26.0" },
};

/** Where Debian's package libnginx-mod-stream puts it. */
export const nginxStreamModule = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** Containers for the tests of workers made on demand: Podman with the runtime that runs on kernels with cgroups of either version. */
const containerPackages = ["podman", "runc"];

/** The newest release of Node that the program is tested with; npm's packages of Node bring the binary and its headers. */
const newestNode = "24.21.0";

/** Something the tests need cannot be had; the message says what to do about it. */
class SetupError extends Error {}

/** The virtual environment of a Python component, named by what is installed in it. */
export function componentDirectory(name) {
  const hash = createHash("sha256").update(pythonComponents[name].requirements.join("\n")).digest("hex").slice(0, 12);
  return join(cache, `${name}-${hash}`);
}

/** The directory of a PostgreSQL server's programs, or undefined when this machine has none that is new enough. */
export function findPostgres() {
  const versions = "/usr/lib/postgresql";
  const installed = existsSync(versions) ? readdirSync(versions) : [];
  installed.sort((a, b) => Math.abs(Number(a) - oldestPostgres) - Math.abs(Number(b) - oldestPostgres));
  const candidates = [
    ...installed.map((version) => join(versions, version, "bin")),
    ...(process.env.PATH ?? "").split(delimiter),
  ];
  return candidates.find((directory) => {
    if (!["initdb", "postgres"].every((program) => isExecutable(join(directory, program)))) return false;
    const found = /(\d+)/.exec(run(join(directory, "postgres"), ["--version"]).stdout);
    return found !== null && Number(found[1]) >= oldestPostgres;
  });
}

/** The program of a load balancer, or undefined when this machine has none that is new enough. */
export function findBalancer(name) {
  const directories = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return directories
    .map((directory) => join(directory, name))
    .find((program) => isExecutable(program) && isAtLeast(balancerVersion(program), balancers[name].oldest));
}

function balancerVersion(program) {
  const { stdout, stderr } = run(program, [/(pgbouncer|ngircd)$/.test(program) ? "--version" : "-v"]);
  return /\d+\.\d+(\.\d+)?/.exec(stdout + stderr)?.[0] ?? "0";
}

function isAtLeast(version, oldest) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = oldest.split(".").map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** The programs that run containers, or undefined when this machine lacks one of them. */
export function findPodman() {
  const directories = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  const find = (name) => directories.map((directory) => join(directory, name)).find(isExecutable);
  const [podman, runc] = containerPackages.map(find);
  return podman && runc ? { podman, runc } : undefined;
}

/** The program of Chromium (or Chrome), or undefined when this machine has none. */
export function findBrowser() {
  const directories = (process.env.PATH ?? "").split(delimiter);
  return ["chromium", "chromium-browser", "google-chrome"]
    .flatMap((name) => directories.map((directory) => join(directory, name)))
    .find(isExecutable);
}

/** The directory that holds the programs of the newest Node, which is installed there if it is missing. */
export function setUpNewestNode(print = console.log) {
  const directory = join(cache, `node-${newestNode}`);
  const name = `node-${process.platform}-${process.arch}`;
  const programs = join(directory, "node_modules", name, "bin");
  if (!isExecutable(join(programs, "node"))) {
    print(`Node ${newestNode}: installing ${name} ...`);
    mkdirSync(directory, { recursive: true });
    runOrFail(
      "npm",
      ["install", "--prefix", directory, "--no-audit", "--no-fund", `${name}@${newestNode}`],
      `Node ${newestNode} could not be installed`,
    );
  }
  print(`Node: ${run(join(programs, "node"), ["--version"]).stdout.trim()} in ${programs}`);
  return programs;
}

/** The directory in which pip installed Buildbot's frontend and its views. */
export function buildbotFrontend() {
  const lib = join(componentDirectory("buildbot-www"), "lib");
  return join(
    lib,
    readdirSync(lib).find((name) => name.startsWith("python")),
    "site-packages",
  );
}

/** The virtual environment of a component that few tests need, which is installed there if it is missing. Throws SetupError. */
export function setUpOnDemand(name, print = console.log) {
  mkdirSync(cache, { recursive: true });
  withLock(cache, () => setUpPython(name, print));
  return componentDirectory(name);
}

/** Brings every component into place and prints a line for each. Throws SetupError with a sentence. */
export function setUpComponents(print = console.log) {
  mkdirSync(cache, { recursive: true });
  withLock(cache, () => {
    const postgres = findPostgres() ?? installPostgres(print);
    print(`PostgreSQL: ${run(join(postgres, "postgres"), ["--version"]).stdout.trim()} in ${postgres}`);
    for (const name of Object.keys(balancers)) setUpBalancer(name, print);
    const pythons = ["crossbar", "buildbot-worker", "buildbot-worker-2.10.5", "schemathesis", "moto", "buildbot-www"];
    for (const name of pythons) setUpPython(name, print);
    setUpPodman(print);
    setUpVersionControl(print);
    setUpBrowser(print);
  });
}

function setUpPodman(print) {
  if (!findPodman() && canUseApt()) aptInstall(containerPackages, print);
  const found = findPodman();
  if (!found)
    throw new SetupError(
      `Podman is missing: install it with runc (on Debian: apt-get install ${containerPackages.join(" ")}) so that both are on the PATH, then run again.`,
    );
  print(`Podman: ${run(found.podman, ["--version"]).stdout.trim()}, ${found.podman}`);
}

function setUpVersionControl(print) {
  if (missingVersionControl().length > 0 && canUseApt()) aptInstall(missingVersionControl(), print);
  const missing = missingVersionControl().join(" ");
  if (missing)
    throw new SetupError(`Missing: ${missing}. Install them (on Debian: apt-get install ${missing}), then run again.`);
  print("Version control: Subversion, Mercurial, Git LFS");
}

function setUpBrowser(print) {
  if (!findBrowser() && canUseApt()) aptInstall(["chromium"], print);
  const program = findBrowser();
  if (!program)
    throw new SetupError(
      "Chromium is missing: install it (on Debian: apt-get install chromium) so that chromium is on the PATH, then run again.",
    );
  print(`Chromium: ${program}`);
}

function setUpBalancer(name, print) {
  const { title, package: debian, oldest } = balancers[name];
  if (!findBalancer(name) && canUseApt()) aptInstall([debian], print);
  const program = findBalancer(name);
  if (!program)
    throw new SetupError(
      `${title} ${oldest} or newer is missing: install it (on Debian: apt-get install ${debian}) so that ${name} is on the PATH or in /usr/sbin, then run again.`,
    );
  // What forwards bytes is a module of its own on Debian, and part of the program elsewhere.
  if (name === "nginx" && !existsSync(nginxStreamModule) && canUseApt()) aptInstall(["libnginx-mod-stream"], print);
  print(`${title}: ${balancerVersion(program)}, ${program}`);
}

function installPostgres(print) {
  if (canUseApt()) {
    aptInstall([`postgresql-${oldestPostgres}`], print) || aptInstall(["postgresql"], print);
    const found = findPostgres();
    if (found) return found;
  }
  throw new SetupError(
    `PostgreSQL ${oldestPostgres} or newer is missing: install its server (on Debian: apt-get install postgresql-${oldestPostgres}) so that initdb and postgres are on the PATH or in /usr/lib/postgresql/*/bin, then run again.`,
  );
}

function setUpPython(name, print) {
  const { requirements, minimum, flags = [] } = pythonComponents[name];
  const directory = componentDirectory(name);
  const python = join(directory, "bin", "python");
  // Python itself may have been replaced since: a virtual environment only points at it. So do its scripts.
  if (existsSync(join(directory, stampName)) && run(python, ["-c", "pass"]).ok && hasUsableScripts(directory)) {
    if (name !== "tools") print(`${name}: ${requirements.join(", ")} (cached)`);
    return;
  }
  if (name !== "tools") print(`${name}: installing ${requirements.join(", ")} ...`);
  const began = Date.now();
  rmSync(directory, { recursive: true, force: true });
  const base = findPython(minimum);
  ensureVenv(base, print);
  runOrFail(base, ["-m", "venv", directory], `Python could not create a virtual environment for ${name}`);
  installRequirements(name, python, [...flags, ...requirements], print);
  writeFileSync(join(directory, stampName), `${requirements.join("\n")}\n`);
  if (name !== "tools") print(`${name}: ready after ${Math.round((Date.now() - began) / 1000)} s`);
}

/** False if the environment was moved, or was installed by a path that does not exist any more. */
function hasUsableScripts(directory) {
  const interpreter = /^#!(\S+)/.exec(readFileSync(join(directory, "bin", "pip"), "utf8"))?.[1];
  return interpreter !== undefined && existsSync(interpreter);
}

function installRequirements(name, python, requirements, print) {
  const uv = name === "tools" ? undefined : findUv(print);
  if (uv) {
    const installed = run(
      uv,
      ["pip", "install", "--quiet", "--python", python, ...requirements],
      pipSettingsForUv(python),
    );
    if (installed.ok) return;
    print(`${name}: uv could not install it, trying pip (slower) ...`);
  }
  runOrFail(
    python,
    ["-m", "pip", "install", "--quiet", ...requirements],
    `${requirements.join(", ")} could not be installed`,
  );
}

function findUv(print) {
  try {
    setUpPython("tools", print);
    return join(componentDirectory("tools"), "bin", "uv");
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return undefined;
  }
}

/** uv reads neither pip's files nor its variables; what the machine's owner set for pip must count for it too. */
function pipSettingsForUv(python) {
  const names = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    cert: "SSL_CERT_FILE",
  };
  const settings = {};
  for (const line of run(python, ["-m", "pip", "config", "list"]).stdout.split("\n")) {
    const match = /^(?::env:\.|global\.|install\.)([a-z-]+)='(.*)'$/.exec(line.trim());
    const variable = match && names[match[1]];
    if (!variable || process.env[variable]) continue;
    settings[variable] = match[2]
      .replaceAll("\\n", " ")
      .trim()
      .replaceAll(/\s+/g, variable === "UV_FIND_LINKS" ? "," : " ");
  }
  return { UV_HTTP_TIMEOUT: "180", UV_PYTHON_DOWNLOADS: "never", UV_LINK_MODE: "copy", ...settings };
}

function findPython(minimum) {
  const [major, minor] = minimum.split(".").map(Number);
  for (const candidate of ["python3", "python3.11", "python3.12", "python3.13", "python3.14"]) {
    const version = run(candidate, ["-c", "import sys; print(*sys.version_info[:2])"]);
    const [foundMajor, foundMinor] = version.stdout.split(" ").map(Number);
    if (version.ok && foundMajor === major && foundMinor >= minor) return candidate;
  }
  throw new SetupError(
    `Python ${minimum} or newer is missing: install it so that python3 is on the PATH, then run again.`,
  );
}

function ensureVenv(python, print) {
  const hasVenv = () => run(python, ["-c", "import venv, ensurepip"]).ok;
  if (hasVenv()) return;
  if (canUseApt()) aptInstall(["python3-venv"], print);
  if (hasVenv()) return;
  throw new SetupError(
    `${python} cannot create virtual environments: install its venv module (on Debian: apt-get install python3-venv), then run again.`,
  );
}

export function canUseApt() {
  return process.getuid?.() === 0 && run("apt-get", ["--version"]).ok;
}

export function aptInstall(packages, print) {
  print(`apt-get install ${packages.join(" ")} ...`);
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  const install = () => run("apt-get", ["install", "-y", "--no-install-recommends", ...packages], environment).ok;
  // The lists are fetched only if need be: most machines have them.
  return install() || (run("apt-get", ["update"], environment).ok && install());
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function run(command, args, environment = {}) {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 << 20,
  });
  return { ok: result.status === 0, stdout: result.stdout ?? "", stderr: result.stderr ?? "" };
}

function runOrFail(command, args, sentence) {
  const result = run(command, args);
  if (!result.ok)
    throw new SetupError(`${sentence}:\n${(result.stderr || result.stdout).trim().split("\n").slice(-8).join("\n")}`);
}

/** Runs the set-up as a command; false when something is missing (the sentence has been printed). */
export function reportSetUp() {
  try {
    setUpComponents();
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    return false;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.exitCode = reportSetUp() ? 0 : 1;
