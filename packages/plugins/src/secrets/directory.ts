import { statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { describeCause, isOpenToOthers, openToOthers, readPrivateFile } from "@multimaster/core";
import { z } from "zod";
import { defineSecretProvider, secretName } from "../define-secret-provider.ts";

/** A file for each secret. */
export default defineSecretProvider({
  type: "directory",
  options: {
    path: z.string().min(1).describe("The directory, such as one in which Kubernetes or systemd mounts secrets."),
    secrets: z.array(secretName).min(1).describe("Names of its files: each is a secret of that name."),
    trim: z.boolean().default(true).describe("Whether line breaks at the end of a file are left out."),
  },
  describe: ({ path }) => `the directory ${path}`,
  namesOf: ({ secrets }) => secrets,
  warnings: ({ path, secrets }) =>
    // Relative paths begin at the config, which is not known here.
    isAbsolute(path)
      ? secrets.flatMap((name, i) => {
          const problem = problemOf(join(path, name));
          return problem === undefined ? [] : [{ path: ["secrets", i], sentence: problem }];
        })
      : [],
  start({ configDirectory }, { path, trim }) {
    const directory = isAbsolute(path) ? path : join(configDirectory, path);
    return {
      async fetch(name) {
        const file = join(directory, name);
        const { text, isOpen } = await readPrivateFile(file).catch((error: unknown) => {
          throw new Error(`${file} cannot be read: ${describeCause(error)}`);
        });
        if (isOpen) throw new Error(openToOthers(file));
        return trim ? text.replace(/[\r\n]+$/, "") : text;
      },
    };
  },
});

function problemOf(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats) return `there is no file ${file} on this machine`;
  return isOpenToOthers(stats) ? openToOthers(file) : undefined;
}
