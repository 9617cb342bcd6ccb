const reasons: Readonly<Record<string, string>> = {
  EEXIST: "a file stands where a directory must be",
  ENOTDIR: "a part of the path is not a directory",
  ENOENT: "a part of the path does not exist",
  EISDIR: "it is a directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
};

/** Explains in words why the file system refused an operation; undefined for errors of other kinds. */
export function explainFileError(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  return reasons[String(error.code)] ?? error.message;
}
