import { resolve } from "node:path";

/** The credentials in a URL: a secret that must not appear on a command line or in a file. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The URL without credentials, which git may get and users may see, and the credentials separately. */
export interface RepositoryUrl {
  /** Without user name and password if they are secret. */
  readonly address: string;
  readonly credentials: Credentials | undefined;
}

/** Parses a repository. A path is resolved against the directory, if one is given. */
export function parseRepository(repository: string, directory?: string): RepositoryUrl {
  const url = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\s]*)@/i.exec(repository);
  if (url === null) {
    // As in git, "host:path" is a remote address if no slash comes before the colon.
    const isPath = !repository.includes("://") && !/^[^/]+:/.test(repository);
    return {
      address: isPath && directory !== undefined ? resolve(directory, repository) : repository,
      credentials: undefined,
    };
  }
  const [username = "", ...rest] = (url[2] as string).split(":");
  const address = hideCredentials(repository);
  // ssh uses a user name, which is not secret, and never a password from the URL.
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

/** Whether the URL contains credentials that must not be shown. */
export function holdsCredentials(repository: string): boolean {
  return hideCredentials(repository) !== repository;
}

/** The warning for a config whose URL contains credentials. */
export const credentialsWarning =
  "contains a password or token, which every reader of the config gets; remove it from the URL, and use git's credential helper, an SSH key or a secret in the environment";

/** The texts of the credentials that must not be shown, including their URL-encoded forms. */
export function listSecretTexts({ username, password }: Credentials): string[] {
  // Without a password the user name is a token, as in GitHub's old form, which uses a fixed password.
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
