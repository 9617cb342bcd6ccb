import { expect, it } from "vitest";
import { FailureLine } from "./failure-line.ts";

it.each([
  ["fatal: repository 'https://host/a/' not found", "repository 'https://host/a/' not found"],
  ["error: RPC failed; HTTP 500\nfatal: early EOF\nfatal: fetch-pack: invalid index-pack output", "early EOF"],
  ["error: cannot lock ref 'refs/heads/a'\nhint: try again", "cannot lock ref 'refs/heads/a'"],
  [
    "git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights",
    "git@host: Permission denied (publickey).",
  ],
  ["Host key verification failed.\r\nfatal: Could not read from remote repository.", "Host key verification failed."],
  ["fatal: Could not read from remote repository.", "Could not read from remote repository."],
  [
    "fatal: unable to connect to host:\nhost[0: 127.0.0.1]: errno=Connection refused\n\n",
    "unable to connect to host: host[0: 127.0.0.1]: errno=Connection refused",
  ],
  [
    "svn: E170013: Unable to connect to a repository at URL 'svn://host/trunk'\nsvn: E170001: Authentication error from server: Password incorrect",
    "Unable to connect to a repository at URL 'svn://host/trunk': Authentication error from server: Password incorrect",
  ],
  ["abort: unknown revision 'x'!", "unknown revision 'x'!"],
  [
    "remote: Permission denied (publickey).\nabort: no suitable response from remote hg!",
    "remote: Permission denied (publickey).",
  ],
  ["Cloning into 'a'...\n", undefined],
])("finds in %j why the program failed", (output, reason) => {
  const failure = new FailureLine();
  for (const line of output.split("\n")) failure.take(line);
  expect(failure.text).toBe(reason);
});
