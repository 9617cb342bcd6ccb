import { resolve } from "node:path";

/** What git is given, and what may be shown: in changes, names and messages there are no credentials. */
export interface RepositoryUrl {
  readonly private: string;
  readonly public: string;
}

export function parseRepository(repository: string, directory: string): RepositoryUrl {
  // As git sees it: "host:path" is an address when no slash comes before the colon.
  const isPath = !repository.includes("://") && !/^[^/]+:/.test(repository);
  const url = isPath ? resolve(directory, repository) : repository;
  return { private: url, public: hideCredentials(url) };
}

/** Takes user names and passwords out of http URLs (a user name may be a token), and passwords out of all others. */
export function hideCredentials(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*):\/\/([^\s/]+)@/gi, (_, scheme: string, userinfo: string) => {
    if (/^https?$/i.test(scheme)) return `${scheme}://`;
    return `${scheme}://${userinfo.split(":", 1)[0]}@`;
  });
}
