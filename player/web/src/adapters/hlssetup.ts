// Pages authorise hls.js's requests in config.xhrSetup or config.fetchSetup. What these set
// is read off a stand-in, so that the engine asks the origin in the same way.

export interface Setup {
  url: string;
  headers: Record<string, string>;
  credentials: RequestCredentials;
}

/** Takes what xhrSetup does to an XMLHttpRequest before it is sent. */
class StandIn {
  readyState = 0;
  withCredentials = false;
  headers: Record<string, string> = {};
  url: string;
  constructor(url: string) {
    this.url = url;
  }
  open(_method: string, url: string): void {
    this.url = url;
    this.readyState = 1;
  }
  setRequestHeader(name: string, value: string): void {
    if (!this.readyState) throw new DOMException("not opened", "InvalidStateError"); // as an XMLHttpRequest
    this.headers[name] = value;
  }
  addEventListener(): void {}
}

/** Rejects where a page's setup does something that is not foreseen: the request then goes plainly. */
export async function setUp(config: any, context: { url: string; headers?: Record<string, string> }): Promise<Setup> {
  const { url } = context;
  const headers = { ...context.headers };
  if (config.progressive && config.fetchSetup) {
    const r: Request = await config.fetchSetup(context, { method: "GET", mode: "cors", credentials: "same-origin", headers: new Headers(headers) });
    return { url: r.url, headers: Object.fromEntries(r.headers), credentials: r.credentials };
  }
  if (!config.xhrSetup) return { url, headers, credentials: "same-origin" };
  const xhr = new StandIn(url);
  try {
    await config.xhrSetup(xhr, url, context);
  } catch {
    // hls.js opens the request and tries again.
    xhr.open("GET", url);
    await config.xhrSetup(xhr, url, context);
  }
  return { url: xhr.url, headers: { ...headers, ...xhr.headers }, credentials: xhr.withCredentials ? "include" : "same-origin" };
}
