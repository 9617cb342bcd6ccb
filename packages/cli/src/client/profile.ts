import { homedir } from "node:os";
import { join } from "node:path";
import { errors, explainFileError, openToOthers, readPrivateFile } from "@multimaster/core";
import { z } from "zod";

/** A ui master, or the balancer in front of several, and what says who asks. */
export interface Server {
  /** Ends with "/". */
  readonly url: string;
  readonly token: string | undefined;
}

/** What the command line says of it; a token itself never stands there, where every user of the host could read it. */
export interface ServerFlags {
  url?: string;
  profile?: string;
  tokenFile?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const profile = z.strictObject({
  url: z.string().optional(),
  token: z.string().min(1).optional(),
  tokenFile: z.string().optional(),
});
const clientFile = profile.extend({ profiles: z.record(z.string(), profile).default({}) });

type Profile = z.output<typeof profile>;

/** Where the client's file is. */
export function clientFilePath(env: Environment): string {
  const base = env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return join(base, "multimaster", "client.json");
}

/** Finds out which ui master is meant: by the command line, then the environment, then the client's file. */
export async function findServer(flags: ServerFlags, env: Environment = process.env): Promise<Server> {
  const file = clientFilePath(env);
  const read = await readClientFile(file);
  const name = flags.profile ?? (flags.url === undefined ? env["MULTIMASTER_PROFILE"] || undefined : undefined);
  const named = name === undefined ? undefined : read?.profiles[name];
  if (name !== undefined && !named) throw errors.unknownProfile(name, file, Object.keys(read?.profiles ?? {}));
  const chosen = named ?? read;
  const text = flags.url ?? named?.url ?? (env["MULTIMASTER_URL"] || undefined) ?? read?.url;
  if (text === undefined) throw errors.noUiUrl(file);
  const url = readUrl(text);
  return { url, token: await findToken(url, flags, named !== undefined, chosen, env) };
}

/** A token of the file is for the file's address: no other is told it. */
async function findToken(
  url: string,
  { tokenFile }: ServerFlags,
  isNamed: boolean,
  chosen: Profile | undefined,
  env: Environment,
): Promise<string | undefined> {
  if (tokenFile !== undefined) return readToken(tokenFile);
  const isItsOwn = chosen?.url !== undefined && readUrl(chosen.url) === url;
  const ofFile = async () =>
    isItsOwn
      ? (chosen.token ?? (chosen.tokenFile === undefined ? undefined : await readToken(chosen.tokenFile)))
      : undefined;
  const ofEnvironment = env["MULTIMASTER_TOKEN"] || undefined;
  return isNamed ? ((await ofFile()) ?? ofEnvironment) : (ofEnvironment ?? (await ofFile()));
}

function readUrl(text: string): string {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) throw errors.uiUrlInvalid(text);
  const url = new URL(text);
  url.hash = "";
  url.search = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url.href;
}

async function readClientFile(file: string): Promise<z.output<typeof clientFile> | undefined> {
  let text: string;
  let isOpen: boolean;
  try {
    ({ text, isOpen } = await readPrivateFile(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw errors.clientFileInvalid(file, explainFileError(error) ?? "it cannot be read", { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw errors.clientFileInvalid(file, "it is not JSON");
  }
  const parsed = clientFile.safeParse(value);
  if (parsed.success) {
    const hasToken = [parsed.data, ...Object.values(parsed.data.profiles)].some(({ token }) => token !== undefined);
    if (hasToken && isOpen) throw errors.clientFileInvalid(file, `it holds a token, and ${openToOthers(file)}`);
    return parsed.data;
  }
  const [issue] = parsed.error.issues;
  throw errors.clientFileInvalid(file, `${issue?.path.join(".") || "the whole"}: ${issue?.message ?? "is not valid"}`);
}

async function readToken(file: string): Promise<string> {
  let text: string;
  let isOpen: boolean;
  try {
    ({ text, isOpen } = await readPrivateFile(file));
  } catch (error) {
    throw errors.tokenUnreadable(file, explainFileError(error) ?? "it cannot be read", { cause: error });
  }
  if (isOpen) throw errors.tokenUnreadable(file, openToOthers(file));
  const token = text.trim();
  if (token === "" || /\s/.test(token)) throw errors.tokenUnreadable(file, "it must hold one token and nothing else");
  return token;
}
