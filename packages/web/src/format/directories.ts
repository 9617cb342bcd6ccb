import type { Artifact } from "@multimaster/data";

type File = Pick<Artifact, "name" | "size">;

/** What is directly in a directory of artifacts. */
export interface Directory<F extends File> {
  readonly directories: readonly { readonly name: string; readonly files: number; readonly bytes: number }[];
  readonly files: readonly F[];
}

/** The directories and files directly in `path`: empty, or with a slash at its end. */
export function listDirectory<F extends File>(all: readonly F[], path: string): Directory<F> {
  const directories = new Map<string, { name: string; files: number; bytes: number }>();
  const files: F[] = [];
  for (const file of all) {
    if (!file.name.startsWith(path)) continue;
    const rest = file.name.slice(path.length);
    const end = rest.indexOf("/");
    if (end === -1) files.push(file);
    else {
      const name = rest.slice(0, end);
      const known = directories.get(name) ?? { name, files: 0, bytes: 0 };
      directories.set(name, { name, files: known.files + 1, bytes: known.bytes + file.size });
    }
  }
  return { directories: [...directories.values()], files };
}

/** The directories above and at `path`, each with its own path: "a/b/" → a ("a/"), b ("a/b/"). */
export function listSteps(path: string): { name: string; path: string }[] {
  const names = path.split("/").slice(0, -1);
  return names.map((name, i) => ({ name, path: `${names.slice(0, i + 1).join("/")}/` }));
}
