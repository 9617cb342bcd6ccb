import { resolve } from "node:path";

/** What is in the URL before the host: a secret that goes neither on a command line nor into a file. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The address that git may be given and people may see, and the credentials apart from it. */
export interface RepositoryUrl {
  /** Without user name and password where those are a secret. */
  readonly address: string;
  readonly credentials: Credentials | undefined;
}

/** A path is resolved against the directory, if one is given. */
export function parseRepository(repository: string, directory?: string): RepositoryUrl {
  const url = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\s]*)@/i.exec(repository);
  if (url === null) {
    // As git sees it: "host:path" is an address if no slash comes before the colon.
    const isPath = !repository.includes("://") && !/^[^/]+:/.test(repository);
    return {
      address: isPath && directory !== undefined ? resolve(directory, repository) : repository,
      credentials: undefined,
    };
  }
  const [username = "", ...rest] = (url[2] as string).split(":");
  const address = hideCredentials(repository);
  // ssh takes a user name, which is no secret, and never a password from the URL.
  if (!isHttp(url[1] as string)) return { address, credentials: undefined };
  return { address, credentials: { username: decode(username), password: decode(rest.join(":")) } };
}

/** Removes user names and passwords from http URLs (a user name may be a token), and passwords from all others. */
export function hideCredentials(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*):\/\/([^\s/?#]+)@/gi, (_, scheme: string, userinfo: string) => {
    if (isHttp(scheme)) return `${scheme}://`;
    return `${scheme}://${userinfo.split(":", 1)[0]}@`;
  });
}

/** Whether the URL holds something that must not be shown. */
export function holdsCredentials(repository: string): boolean {
  return hideCredentials(repository) !== repository;
}

/** The texts of the credentials that must not be shown, also as they are written in a URL. */
export function listSecretTexts({ username, password }: Credentials): string[] {
  // Without a password the user name is a token; so it is in GitHub's old form, which gives a fixed password.
  const secrets = password === "" || password === "x-oauth-basic" ? [username] : [password];
  return [...new Set(secrets.flatMap((text) => [text, encodeURIComponent(text)]))].filter((text) => text.length >= 4);
}

function isHttp(scheme: string): boolean {
  return /^(https?|ftps?)$/i.test(scheme);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
