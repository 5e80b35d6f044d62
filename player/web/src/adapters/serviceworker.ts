// The page's half of the service worker helper. A service worker has no WebRTC: sw.ts asks
// the page that made a request, and the page answers through its own fetch drop-in.

/** What sw.ts asks, with a port for the answer. */
export interface Question {
  shoal: "fetch";
  url: string;
  headers: [string, string][];
}

/** The first answer: the head, or that the service worker should ask the origin itself. */
export type Head = { status: number; headers: [string, string][]; url: string } | null;

/** After the head: pieces, then null; an error text if it breaks off. */
export type Piece = Uint8Array | null | string;

/**
 * Answers the service worker's questions from this page, with `fetchShared`. Only URLs that
 * the service worker's own `share` matches are ever asked for. The function returned ends it.
 */
export function answerServiceWorker(fetchShared: typeof fetch, container: ServiceWorkerContainer | undefined = globalThis.navigator?.serviceWorker): () => void {
  const listen = (event: MessageEvent) => {
    const question = event.data as Question | undefined;
    const port = event.ports[0];
    if (question?.shoal != "fetch" || !port) return;
    void answer(fetchShared, question, port);
  };
  container?.addEventListener("message", listen);
  container?.startMessages?.();
  return () => container?.removeEventListener("message", listen);
}

async function answer(fetchShared: typeof fetch, { url, headers }: Question, port: MessagePort): Promise<void> {
  const stop = new AbortController();
  port.onmessage = () => stop.abort(); // the element that asked is gone
  try {
    // Cookies stay at home: the service worker's owner has said that these URLs are public.
    const response = await fetchShared(url, { headers, credentials: "omit", signal: stop.signal });
    port.postMessage({ status: response.status, headers: [...response.headers], url: response.url } satisfies Head);
    const reader = response.body?.getReader();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      port.postMessage((done ? null : value) satisfies Piece);
      if (done) break;
    }
  } catch (error) {
    port.postMessage(String(error) satisfies Piece);
  }
  port.close();
}
