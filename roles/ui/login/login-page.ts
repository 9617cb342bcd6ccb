import { createHash } from "node:crypto";
import { escapeXml } from "../status/escape-xml.ts";

const style = `body{font:16px/1.5 system-ui,sans-serif;color-scheme:light dark;display:grid;place-items:center;min-height:90vh;margin:0}
form{display:grid;gap:.75rem;width:min(20rem,90vw)}h1{font-size:1.25rem;margin:0}
label{display:grid;gap:.25rem}input,button{font:inherit;padding:.5rem}p[role=alert]{margin:0;color:light-dark(#b00020,#ff8a80)}`;

/** Permits only this page's own style, and only this site as the form's target. */
export const loginPagePolicy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;

export interface LoginPage {
  readonly title: string;
  readonly username?: string;
  /** The error of the last attempt. */
  readonly problem?: string;
  /** Passed on to the login. */
  readonly hidden: ReadonlyMap<string, string>;
}

/** The form for name and password. */
export function renderLoginPage({ title, username = "", problem, hidden }: LoginPage): string {
  const fields = [...hidden].map(
    ([name, value]) => `<input type="hidden" name="${escapeXml(name)}" value="${escapeXml(value)}">`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Log in · ${escapeXml(title)}</title><style>${style}</style></head>
<body><main><form method="post" action="login"><h1>${escapeXml(title)}</h1>
${problem === undefined ? "" : `<p role="alert">${escapeXml(problem)}</p>\n`}${fields.join("")}
<label>Name<input name="username" autocomplete="username" autocapitalize="none" required autofocus value="${escapeXml(username)}"></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button></form></main></body></html>
`;
}
