/** What serves the pages. */
interface Served {
  readonly url: string;
}

export interface Page {
  status: number;
  location: string | null;
  headers: Headers;
  cookies: readonly string[];
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  body: any;
}

interface Asking {
  headers?: Record<string, string>;
  form?: Record<string, string>;
  call?: { method: string; params?: object };
}

/** What a browser does that matters here: it keeps cookies, follows no redirect by itself, and names a POST's origin. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #origin: string | undefined;

  /** `origin`: of the page that sends; by default that of the server asked. */
  constructor(origin?: string) {
    this.#origin = origin;
  }

  get(server: Served, path: string, asking: Asking = {}): Promise<Page> {
    return this.#ask(server, path, "GET", asking);
  }

  post(server: Served, path: string, asking: Asking = {}): Promise<Page> {
    return this.#ask(server, path, "POST", asking);
  }

  logIn(server: Served, username: string, password: string, more: Record<string, string> = {}): Promise<Page> {
    return this.post(server, "/auth/login", { form: { username, password, ...more } });
  }

  call(server: Served, path: string, method: string, params: object = {}, headers = {}): Promise<Page> {
    return this.post(server, `/api/v2/${path}`, { call: { method, params }, headers });
  }

  async whoAmI(server: Served, headers: Record<string, string> = {}) {
    return (await this.get(server, "/api/v2/whoami", { headers })).body.whoami[0];
  }

  async #ask(server: Served, path: string, method: string, { headers, form, call }: Asking): Promise<Page> {
    const url = new URL(path, server.url);
    const response = await fetch(url, {
      method,
      redirect: "manual",
      headers: {
        accept: "application/json",
        ...(this.cookies.size > 0 ? { cookie: [...this.cookies].map(([k, v]) => `${k}=${v}`).join("; ") } : {}),
        ...(method === "POST" ? { origin: this.#origin ?? url.origin } : {}),
        ...(call ? { "content-type": "application/json" } : {}),
        ...headers,
      },
      ...(form ? { body: new URLSearchParams(form) } : {}),
      ...(call ? { body: JSON.stringify({ jsonrpc: "2.0", id: 1, params: {}, ...call }) } : {}),
    });
    const cookies = response.headers.getSetCookie();
    for (const cookie of cookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/Max-Age=0/.test(cookie)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const text = await response.text();
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = text;
    }
    return {
      status: response.status,
      location: response.headers.get("location"),
      headers: response.headers,
      cookies,
      text,
      body,
    };
  }
}
