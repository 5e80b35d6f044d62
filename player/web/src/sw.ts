// The service worker's half, a script of its own (shoal-sw.js): the page's <img>, <script>
// and fonts come through its peers. In the site's own service worker:
//
//	importScripts("https://signal.example/shoal-sw.js");
//	shoalServiceWorker({ share: [/\/assets\//] });
import type { Head, Piece, Question } from "./adapters/serviceworker.ts";

/* TypeScript's "webworker" library clashes with "dom"; what is used is declared here. */
interface FetchEvent extends Event {
  request: Request;
  clientId: string;
  respondWith(response: Promise<Response>): void;
}
interface Scope extends EventTarget {
  clients: { get(id: string): Promise<{ postMessage(message: unknown, transfer: Transferable[]): void } | undefined> };
}

export interface ServiceWorkerOptions {
  /** Which URLs are the same for everybody and may be shared: patterns tried against the whole URL. Nothing else is touched. */
  share: RegExp[];
  /** Milliseconds that the page may take to begin an answer, before the origin is asked. Default 3000. */
  patience?: number;
}

const kept = ["accept", "accept-language", "range"];

/** What elements load. A fetch() has the destination "": the page's own, which must not come back to it. */
const destinations = new Set(["image", "script", "style", "font", "audio", "video", "track", "manifest", "json"]);

/** A request that the page may answer. */
export function eligible(request: Request, share: RegExp[]): boolean {
  return (
    request.method == "GET" && destinations.has(request.destination) && request.cache != "only-if-cached" && !request.integrity &&
    share.some((s) => request.url.search(s) >= 0)
  );
}

/** Asks a page; resolves to undefined where it does not answer well. */
export function askPage(page: { postMessage(message: unknown, transfer: Transferable[]): void }, request: Request, patience: number): Promise<Response | undefined> {
  const { port1, port2 } = new MessageChannel();
  const headers = [...request.headers].filter(([name]) => kept.includes(name));
  return new Promise((resolve) => {
    const timer = setTimeout(() => give(undefined), patience);
    const give = (response: Response | undefined) => {
      clearTimeout(timer);
      if (!response) {
        port1.postMessage("stop");
        port1.close();
      }
      resolve(response);
    };
    let out: ReadableStreamDefaultController<Uint8Array> | undefined;
    port1.onmessage = ({ data }: MessageEvent<Head | Piece>) => {
      if (!out) {
        const head = data as Head;
        if (!head?.status || head.status >= 400) return give(undefined);
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => void (out = controller),
          cancel: () => port1.postMessage("stop"),
        });
        return give(new Response([204, 205, 304].includes(head.status) ? null : body, { status: head.status, headers: head.headers }));
      }
      const piece = data as Piece;
      if (piece == null) out.close();
      else if (typeof piece == "string") out.error(new TypeError(piece));
      else return out.enqueue(piece);
      port1.close();
    };
    page.postMessage({ shoal: "fetch", url: request.url, headers } satisfies Question, [port2]);
  });
}

/** Call once, while the service worker's script runs first. */
export function shoalServiceWorker({ share, patience = 3000 }: ServiceWorkerOptions): void {
  const scope = globalThis as unknown as Scope;
  scope.addEventListener("fetch", (e) => {
    const event = e as FetchEvent;
    if (!event.clientId || !eligible(event.request, share)) return;
    event.respondWith(
      (async () => {
        const page = await scope.clients.get(event.clientId).catch(() => undefined);
        const answer = page && (await askPage(page, event.request, patience).catch(() => undefined));
        return answer ?? fetch(event.request);
      })(),
    );
  });
}

(globalThis as { shoalServiceWorker?: typeof shoalServiceWorker }).shoalServiceWorker = shoalServiceWorker;
