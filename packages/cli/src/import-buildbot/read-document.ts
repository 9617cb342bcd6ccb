import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errors } from "@multimaster/core";
import { type BuildbotDocument, printedDocument } from "./document.ts";

const script = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "python", "read_buildbot.py");
const largestDocument = 256 << 20;
/** A configuration may ask other programs for what it needs. */
const longestMs = 10 * 60_000;

/** What Buildbot's configuration in this file says, read by the Python of the farm. Throws a sentence. */
export async function readDocument(file: string, python: string): Promise<BuildbotDocument> {
  const printed = await runScript(file, python);
  const parsed = printedDocument.safeParse(parseJson(printed, file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw errors.buildbotNotRead(file, `what it says is not understood (${issue?.path.join(".")}: ${issue?.message})`);
  }
  if ("missing" in parsed.data) throw errors.buildbotMissing(python);
  if ("errors" in parsed.data)
    throw errors.buildbotNotRead(file, `Buildbot refuses it: ${parsed.data.errors.join("; ")}`);
  return parsed.data;
}

function runScript(file: string, python: string): Promise<string> {
  const options = { maxBuffer: largestDocument, timeout: longestMs, env: { ...process.env, PYTHONWARNINGS: "ignore" } };
  return new Promise((resolve, reject) => {
    execFile(python, [script, file], options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (error.code === "ENOENT") return reject(errors.buildbotMissing(python));
      const last = stderr.trim().split("\n").at(-1) ?? "";
      reject(errors.buildbotNotRead(file, error.killed ? "it took too long" : last || error.message));
    });
  });
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw errors.buildbotNotRead(file, "Python printed no document");
  }
}
