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
  const code = await main([...args, "--url", url]);
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  return { code, printed };
}
