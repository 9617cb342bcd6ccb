import { createHash } from "node:crypto";
import { escapeXml } from "../status/escape-xml.ts";

// The colours of the browser app (packages/web/src/styles/theme.css), which a page without scripts and files does not load.
const style = `:root{color-scheme:light dark;--accent:light-dark(#4453c4,#9aa6ff)}
body{font:14px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0;background:light-dark(#fbfbfc,#131519);color:light-dark(#1d2027,#e4e7ec)}
form{display:grid;gap:14px;width:min(20rem,90vw);box-sizing:border-box;padding:24px;border:1px solid light-dark(#e2e4e9,#2a2f37);border-radius:10px;background:light-dark(#fff,#191c21)}
h1{font-size:20px;font-weight:600;margin:0}label{display:grid;gap:4px}
input,button{font:inherit;min-height:40px;box-sizing:border-box;padding:0 12px;border:1px solid light-dark(#8a91a0,#5d6675);border-radius:6px;background:transparent;color:inherit}
button{border-color:var(--accent);background:var(--accent);color:light-dark(#fff,#12141a);font-weight:600;cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}p[role=alert]{margin:0;color:light-dark(#b3261e,#ff8078)}`;

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
