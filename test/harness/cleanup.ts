import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";

/**
 * Everything that a test file starts carries this mark in its environment, and so does whatever that starts in turn:
 * the only way to find a command whose parent was killed and which made itself a process group of its own.
 */
const marker = `LC_MULTIMASTER_TEST_PROCESS=${randomUUID()}`;
const owned = new Set<() => Promise<void> | void>();
const directories = new Set<string>();
const groups = new Set<number>();
let watchdog: ChildProcess | undefined;

/** The environment entry that every process of a test must get. */
export function markedEnvironment(): Record<string, string> {
  const [name = "", value = ""] = marker.split("=");
  startWatchdog();
  return { [name]: value };
}

/** Runs `end` when the test file is over, however it went, in reverse order; the returned function forgets it. */
export function onCleanup(end: () => Promise<void> | void): () => void {
  owned.add(end);
  return () => void owned.delete(end);
}

/** Removes a directory when the test file is over, also when the test process is killed. */
export function removeAtEnd(directory: string): void {
  directories.add(directory);
  startWatchdog().stdin?.write(`remove ${directory}\n`);
}

/** Ends all that the test file started. Safe to call more than once. */
export async function cleanUp(): Promise<void> {
  await endAll([...owned]);
  endEverything();
}

/** The returned function ends what was started since this call, and nothing that was there before. */
export function cleanUpLater(): () => Promise<void> {
  const before = new Set(owned);
  return () => endAll([...owned].filter((end) => !before.has(end)));
}

async function endAll(ends: readonly (() => Promise<void> | void)[]): Promise<void> {
  for (const end of ends) owned.delete(end);
  for (const end of [...ends].reverse()) {
    try {
      await end();
    } catch (error) {
      console.error("a test resource could not be closed:", error);
    }
  }
}

function endEverything(): void {
  for (const group of groups) killQuietly(-group);
  groups.clear();
  for (const pid of listMarked()) killQuietly(pid);
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  directories.clear();
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

/** The processes that a test of this file started and that still run (Linux only; elsewhere none is found). */
export function listMarked(): number[] {
  let entries: string[];
  try {
    entries = readdirSync("/proc");
  } catch {
    return [];
  }
  return entries.filter((entry) => /^\d+$/.test(entry) && isMarked(entry)).map(Number);
}

function isMarked(entry: string): boolean {
  if (Number(entry) === process.pid) return false;
  try {
    return readFileSync(`/proc/${entry}/environ`, "latin1").split("\0").includes(marker);
  } catch {
    return false;
  }
}

/** Registers a process group that must not outlive the test process with the watchdog; the returned function unregisters it. */
export function watchProcessGroup(pid: number): () => void {
  groups.add(pid);
  startWatchdog().stdin?.write(`watch ${pid}\n`);
  return () => {
    if (groups.delete(pid)) watchdog?.stdin?.write(`forget ${pid}\n`);
  };
}

/**
 * A shell that outlives this process by a moment: its standard input ends when we do, also by SIGKILL, and then it
 * kills what is left and removes the directories that it was given.
 */
function startWatchdog(): ChildProcess {
  if (watchdog) return watchdog;
  const script = `
    groups=" " directories=
    while read -r word value; do
      case $word in
        watch) groups="$groups$value " ;;
        forget) case $groups in *" $value "*) groups="\${groups%% $value *} \${groups#* $value }" ;; esac ;;
        remove) directories="$directories$value
" ;;
      esac
    done
    for group in $groups; do kill -9 "-$group" 2>/dev/null; done
    for file in /proc/[0-9]*/environ; do
      if grep -aqzxF "$1" "$file" 2>/dev/null; then pid=\${file#/proc/}; kill -9 "\${pid%/environ}" 2>/dev/null; fi
    done
    sleep 1
    printf '%s' "$directories" | while read -r directory; do rm -rf "$directory"; done`;
  watchdog = spawn("sh", ["-c", script, "watchdog", marker], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  watchdog.unref();
  (watchdog.stdin as unknown as { unref?(): void } | null)?.unref?.();
  watchdog.stdin?.on("error", () => {});
  return watchdog;
}

// For a test process that is ended, and outside of tests (benchmarks, the shared router); every-file.ts does it after each test file.
process.once("exit", endEverything);
