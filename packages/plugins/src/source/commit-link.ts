import { z } from "zod";

/** The option of a poller that says where a commit's page is. */
export const revlinkOption = z
  .string()
  .regex(/^https?:\/\/.*\{revision\}/, 'must be an http address with "{revision}" in it')
  .optional()
  .describe(
    "Address of a commit's page, with {revision} in it. Absent: known for GitHub, GitLab, Bitbucket, Codeberg, SourceForge and hgweb.",
  );

/** How the hosts name the page of a commit, by what the host's name is or begins with. */
const hosts: readonly [host: RegExp, path: (repository: string, revision: string) => string][] = [
  [/^github\./, (path, revision) => `${path}/commit/${revision}`],
  [/^gitlab\./, (path, revision) => `${path}/-/commit/${revision}`],
  [/^(bitbucket\.org$)/, (path, revision) => `${path}/commits/${revision}`],
  [/^(codeberg\.org$|gitea\.|forgejo\.)/, (path, revision) => `${path}/commit/${revision}`],
];

/** The address of a commit's page; "" if it is not known. Credentials in the repository's address are left out. */
export function linkCommit(repository: string, revision: string, template: string | undefined): string {
  if (template !== undefined) return template.replaceAll("{revision}", encodeURIComponent(revision));
  // "git@host:owner/name" and "ssh://git@host/owner/name" are at the same host as its pages.
  const found =
    /^(?:https?|ssh|git):\/\/(?:[^@/]*@)?([\w.-]+)(?::\d+)?\/(.+?)(?:\.git)?\/*$/.exec(repository) ??
    /^[\w.-]+@([\w.-]+):([^/].*?)(?:\.git)?\/*$/.exec(repository);
  const [, host = "", path = ""] = found ?? [];
  const sourceforge = /^(?:p|\/p)\/([\w-]+)\/([\w-]+)$/.exec(path);
  if (/^(git|svn|hg)\.code\.sf\.net$/.test(host) && sourceforge !== null)
    return `https://sourceforge.net/p/${sourceforge[1]}/${sourceforge[2]}/ci/${revision}/`;
  const compose = hosts.find(([name]) => name.test(host))?.[1];
  return compose === undefined ? "" : encodeURI(`https://${host}/${compose(path, revision)}`);
}
