import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { errors, explainFileError, openToOthers, readPrivateFile } from "@multimaster/core";
import { z } from "zod";

/** A ui master, or the balancer in front of several, and the token that authenticates to it. */
export interface Server {
  /** Ends with "/". */
  readonly url: string;
  readonly token: string | undefined;
}

/** The command line's options for the server. The token itself is not one: every user of the host could read it there. */
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

/** The path of the client file. */
export function clientFilePath(env: Environment): string {
  const base = env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return join(base, "multimaster", "client.json");
}

/** Selects the ui master: from the command line, then the environment, then the client file. */
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

/** Whether the client file names a ui master that counts when nothing else does. */
export async function hasClientFile(env: Environment): Promise<boolean> {
  return (await readClientFile(clientFilePath(env)))?.url !== undefined;
}

/** Finds the token. A token of the client file is sent only to that file's URL. */
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

/** An address that a user gave, ending with a slash. */
export function readUrl(text: string): string {
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
    if (hasToken && isOpen) throw errors.clientFileInvalid(file, `it contains a token, and ${openToOthers(file)}`);
    return parsed.data;
  }
  const [issue] = parsed.error.issues;
  throw errors.clientFileInvalid(file, `${issue?.path.join(".") || "the whole"}: ${issue?.message ?? "is not valid"}`);
}

/** Keeps an address and its token in the client file, which only its owner can read: as a profile, or as what counts without one. */
export async function saveProfile(
  file: string,
  name: string | undefined,
  own: { url: string; token: string },
): Promise<void> {
  const before = (await readClientFile(file)) ?? { profiles: {} };
  const { profiles, ...usual } = before;
  const after = name === undefined ? { ...own, profiles } : { ...usual, profiles: { ...profiles, [name]: own } };
  const part = `${file}.${process.pid}`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(part, `${JSON.stringify(after, null, 2)}\n`, { mode: 0o600 });
    await rename(part, file);
  } catch (error) {
    throw errors.cannotWrite(file, explainFileError(error) ?? "it cannot be written", { cause: error });
  } finally {
    await rm(part, { force: true });
  }
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
  if (token === "" || /\s/.test(token))
    throw errors.tokenUnreadable(file, "it must contain one token and nothing else");
  return token;
}
