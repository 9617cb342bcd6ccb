import { vi } from "vitest";
import { main } from "../../packages/cli/src/main.ts";

/** Runs a command of `master` in this process against a ui master, as the owner of a token; returns all that it printed. */
export async function runCommandLine(
  { url, token }: { readonly url: string; readonly token: string },
  ...args: readonly string[]
): Promise<{ code: number; printed: string }> {
  let printed = "";
  vi.stubEnv("MULTIMASTER_TOKEN", token);
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, "write").mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  const before = new Set(process.stdout.listeners("error"));
  const code = await main([...args, "--url", url]);
  // A program keeps its listener to its end; this process runs many commands.
  for (const listener of process.stdout.listeners("error"))
    if (!before.has(listener)) process.stdout.off("error", listener as () => void);
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  return { code, printed };
}
