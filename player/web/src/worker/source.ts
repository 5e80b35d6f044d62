// Where the worker's code is: worker.js, beside the script that the page loaded. The page
// itself need not load it, and parses a third of what a single script would have.

/** Set by each build's entry; empty: nobody knows. */
export const source = { url: "" };

/** Says where worker.js is, absolutely. */
export function workerAt(url: string): void {
  source.url = url;
}
